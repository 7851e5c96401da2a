// The floating button, the drawer that it opens, and the plugin for TanStack Devtools.
import { renderToString } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import { GuestTokenDevtools, guestTokenDevtoolsPlugin } from '../../src/devtools/index.ts';
import { fakeSource, pass, showWidget, withFakeTime } from '../react/page.tsx';
import { showInspector } from './inspector.tsx';

withFakeTime();

const OPEN = 'Open the guest token inspector';

describe('the button', () => {
  test('opens the drawer and moves the focus into it', async () => {
    showWidget({ source: fakeSource() });
    const inspector = showInspector(<GuestTokenDevtools />);
    await pass();
    expect(inspector.text).not.toContain('Fresh');
    await inspector.press(OPEN);
    const drawer = inspector.find.getByRole('region', { name: 'Guest token inspector' });
    expect(inspector.focused).toBe(drawer);
    expect(drawer).toHaveTextContent('Fresh');
  });

  test.each(['Escape', 'Close'])(
    'has the focus again after "%s" has closed the drawer',
    async (how) => {
      const inspector = showInspector(<GuestTokenDevtools />);
      await inspector.press(OPEN);
      await (how === 'Escape' ? inspector.key('Escape') : inspector.press('Close'));
      expect(inspector.find.queryByRole('region')).toBeNull();
      expect(inspector.focused).toBe(inspector.find.getByRole('button', { name: OPEN }));
    },
  );

  test('shows in which corner and in which mood it is', async () => {
    showWidget({ source: fakeSource() });
    const inspector = showInspector(<GuestTokenDevtools buttonPosition="top-left" />);
    await pass();
    const button = inspector.find.getByRole('button', { name: OPEN });
    expect(button).toHaveAttribute('data-position', 'top-left');
    expect(button).toHaveAttribute('data-mood', 'good');
  });

  test('remembers what has happened before the drawer was opened', async () => {
    const inspector = showInspector(<GuestTokenDevtools />);
    showWidget({ source: fakeSource() });
    await pass();
    await inspector.press(OPEN);
    expect(inspector.text).toContain('acquired');
  });
});

test('a drawer that is open at first leaves the focus to the page', async () => {
  const inspector = showInspector(<GuestTokenDevtools initialIsOpen />);
  expect(inspector.find.getByRole('region')).toBeVisible();
  expect(inspector.focused).toBeNull();
});

test('a page that is offline by simulation stays so while the drawer is closed', async () => {
  showWidget({ source: fakeSource() });
  const inspector = showInspector(<GuestTokenDevtools initialIsOpen />);
  await pass();
  await inspector.press('Simulate offline');
  await inspector.press('Close');
  expect(navigator.onLine).toBe(false);
  await inspector.press(OPEN);
  await inspector.press('Simulate offline');
  expect(navigator.onLine).toBe(true);
});

test('on a server there is only an empty element', () => {
  expect(renderToString(<GuestTokenDevtools initialIsOpen />)).toBe(
    '<div data-guest-token-devtools=""></div>',
  );
});

test('nothing of it is outside its shadow root, no style either', () => {
  const head = document.head.innerHTML;
  showInspector(<GuestTokenDevtools initialIsOpen />);
  expect(document.head.innerHTML).toBe(head);
  expect(document.body.innerHTML).toBe('<div><div data-guest-token-devtools=""></div></div>');
});

test('TanStack Devtools gets a plugin that shows the panel in its own theme', async () => {
  showWidget({ source: fakeSource() });
  const { id, name, render } = guestTokenDevtoolsPlugin();
  expect([id, name]).toEqual(['react-guest-token', 'Guest token']);
  const inspector = showInspector(render(document.createElement('div'), 'dark'));
  await pass();
  expect(inspector.html).toContain('data-theme="dark"');
  expect(inspector.text).toContain('Fresh');
});
