// The inspector's panel: what it shows of the sessions on the page, and what its buttons do.
import { QueryClient } from '@tanstack/react-query';
import { act } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { GuestTokenDevtoolsPanel } from '../../src/devtools/index.ts';
import {
  down,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  never,
  pass,
  SECOND,
  setVisible,
  showWidget,
  status,
  withFakeTime,
} from '../react/page.tsx';
import { type Inspector, showInspector } from './inspector.tsx';

withFakeTime();

const showPanel = (): Inspector => showInspector(<GuestTokenDevtoolsPanel />);

test('a page without a visitor says what is missing', async () => {
  showWidget({ externalId: null });
  const inspector = showPanel();
  await pass();
  expect(inspector.text).toContain('there is no GuestTokenProvider, or its externalId is null');
});

test('a fresh token: its state, why nothing is asked, and its life in words', async () => {
  showWidget({ source: fakeSource() });
  const inspector = showPanel();
  await pass(MINUTE);
  expect(inspector.find.getByText('Fresh')).toBeVisible();
  expect(inspector.text).toContain(
    'Not refreshing: the token is fresh until 1 min before its end. Next check in 58 min.',
  );
  expect(
    inspector.find.getByRole('img', {
      name: 'The token was issued 1 min ago. Its refresh point is in 58 min. Its end is in 59 min.',
    }),
  ).toBeVisible();
});

test('the countdown goes on by itself', async () => {
  showWidget({ source: fakeSource() });
  const inspector = showPanel();
  await pass(HOUR - 2 * MINUTE);
  expect(inspector.text).toContain('Next check in 1 min.');
  await pass(SECOND);
  expect(inspector.text).toContain('Next check in 59 s.');
});

test('a hidden tab says that it waits to be seen', async () => {
  showWidget({ source: fakeSource() });
  const inspector = showPanel();
  await pass();
  await setVisible(false);
  expect(inspector.text).toContain(
    'Not refreshing: the tab is hidden and keepFresh is while-visible. Next check when it becomes visible.',
  );
});

test('what happens is listed, the latest first', async () => {
  showWidget({ source: fakeSource(status(503)) });
  const inspector = showPanel();
  await pass(3 * SECOND);
  const items = inspector.find.getByRole('list', { name: 'Events, latest first' });
  const texts = [...items.children].map(({ textContent }) => textContent.slice(9));
  expect(texts).toEqual([
    'retrying Attempt 2 failed with unavailable. Next one in 2 s.',
    'acquiring Attempt 2.',
    'retrying Attempt 1 failed with unavailable. Next one in 2 s.',
    'acquiring Attempt 1.',
  ]);
});

test('a change of the state is read out, the countdown is not', async () => {
  showWidget({ source: fakeSource() });
  const inspector = showPanel();
  await pass();
  const [state] = inspector.find.getAllByRole('status');
  expect(state).toHaveTextContent(/^Fresh$/);
});

test('"Refresh" gets a new token', async () => {
  const source = fakeSource();
  showWidget({ source });
  const inspector = showPanel();
  await pass();
  await inspector.press('Refresh');
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
});

test('"Refresh" that fails is an event, and nothing else', async () => {
  const source = fakeSource();
  showWidget({ source });
  const inspector = showPanel();
  await pass();
  source.answer = status(400);
  await inspector.press('Refresh');
  expect(inspector.text).toContain('Valid, the last renewal failed');
  expect(inspector.text).toContain('No token: rejected.');
});

test('"Reject" has the token replaced, as if a server had refused it', async () => {
  const source = fakeSource(issuing(HOUR, SECOND));
  showWidget({ source });
  const inspector = showPanel();
  await pass(SECOND);
  await inspector.press('Reject');
  expect(inspector.text).toContain('Refused, being replaced');
  await pass(SECOND);
  expect(source.requests).toHaveLength(2);
  expect(inspector.text).toContain('Fresh');
});

test('"Expire" drops the token, and a new one is got', async () => {
  const source = fakeSource(issuing(HOUR, SECOND));
  const page = showWidget({ source });
  const inspector = showPanel();
  await pass(SECOND);
  await inspector.press('Expire');
  await pass(1);
  expect(page.view.token).toBeUndefined();
  expect(inspector.text).toContain('The token ran out before it was replaced.');
  await pass(SECOND);
  expect(page.view.status).toBe('success');
  expect(source.requests).toHaveLength(2);
});

test('without a token there is nothing to reject or to expire', async () => {
  showWidget({ source: fakeSource(never) });
  const inspector = showPanel();
  await pass();
  expect(inspector.find.getByRole('button', { name: 'Reject' })).toBeDisabled();
  expect(inspector.find.getByRole('button', { name: 'Expire' })).toBeDisabled();
});

test('"Simulate offline" takes the page off the network and brings it back', async () => {
  const source = fakeSource();
  showWidget({ source });
  const inspector = showPanel();
  await pass();
  await inspector.press('Simulate offline');
  expect(navigator.onLine).toBe(false);
  await inspector.press('Refresh');
  expect(inspector.text).toContain('Waiting to refresh: the page is offline.');
  await inspector.press('Simulate offline');
  expect(navigator.onLine).toBe(true);
  expect(source.requests).toHaveLength(2);
});

test('an inspector that leaves the page takes its simulation with it', async () => {
  showWidget({ source: fakeSource() });
  const inspector = showPanel();
  await pass();
  await inspector.press('Simulate offline');
  inspector.unmount();
  expect(navigator.onLine).toBe(true);
});

test('two visitors have a tab each; arrow keys, Home and End go from one to the other', async () => {
  showWidget({ externalId: 'ann', source: fakeSource() });
  showWidget({ externalId: 'bob', source: fakeSource(down) });
  const inspector = showPanel();
  await pass();
  const tab = (name: RegExp): HTMLElement => inspector.find.getByRole('tab', { name });
  expect(inspector.find.getByRole('tabpanel', { name: /ann/ })).toHaveTextContent('Fresh');
  tab(/ann/).focus();
  for (const key of ['ArrowRight', 'ArrowLeft', 'End', 'Home', 'ArrowLeft']) {
    await inspector.key(key);
  }
  expect(inspector.focused).toBe(tab(/bob/));
  expect(tab(/bob/)).toHaveAttribute('aria-selected', 'true');
  expect(tab(/ann/)).toHaveAttribute('tabindex', '-1');
  expect(inspector.find.getByRole('tabpanel', { name: /bob/ })).toHaveTextContent(
    'No token, trying again',
  );
});

test('a visitor who leaves takes the tab along', async () => {
  showWidget({ externalId: 'ann', source: fakeSource() });
  const page = showWidget({ externalId: 'bob', source: fakeSource() });
  const inspector = showPanel();
  await pass();
  expect(inspector.find.getAllByRole('tab')).toHaveLength(2);
  page.update({ externalId: null });
  await pass();
  expect(inspector.find.queryAllByRole('tab')).toEqual([]);
});

test('a panel that is given a client shows the visitors of that client only', async () => {
  const queryClient = new QueryClient();
  const page = showWidget({ externalId: 'ann', source: fakeSource(), queryClient });
  showWidget({ externalId: 'bob', source: fakeSource(down) });
  const inspector = showInspector(<GuestTokenDevtoolsPanel client={queryClient} />);
  await pass();
  expect(inspector.find.queryAllByRole('tab')).toEqual([]);
  expect(inspector.text).toContain('Fresh');
  page.update({ externalId: null });
  await pass();
  expect(inspector.text).toContain('No visitor is on this page');
});

test('a visitor who is shown comes before one whom nobody shows any more', async () => {
  const queryClient = new QueryClient();
  const gone = showWidget({ externalId: 'ann', source: fakeSource(), queryClient });
  await pass();
  gone.unmount();
  const page = showWidget({ externalId: 'bob', source: fakeSource(), queryClient });
  const inspector = showInspector(<GuestTokenDevtoolsPanel client={queryClient} />);
  await pass();
  expect(inspector.find.getByRole('tabpanel', { name: /bob/ })).toBeVisible();
  await act(async () => inspector.find.getByRole('tab', { name: /ann/ }).click());
  expect(inspector.text).toContain('no provider shows this visitor');
  page.update({ externalId: null });
  await pass();
});

test('no part of the markup ever holds a token', async () => {
  const source = fakeSource(issuing(10 * MINUTE));
  const page = showWidget({ source });
  const inspector = showPanel();
  await pass();
  const tokens = new Set<string>();
  const look = (): void => {
    for (const token of page.probe.tokens) if (token) tokens.add(token);
    for (const token of tokens) expect(inspector.html).not.toContain(token.split('.')[1]);
  };
  for (const button of ['Refresh', 'Reject', 'Expire', 'Copy bug report', 'Simulate offline']) {
    look();
    await inspector.press(button);
    await pass(2 * MINUTE);
  }
  look();
  expect(tokens.size).toBeGreaterThan(2);
});

test('the clock of the inspector stops with it', async () => {
  const inspector = showPanel();
  showWidget({ source: fakeSource() });
  await pass();
  const before = vi.getTimerCount();
  inspector.unmount();
  expect(vi.getTimerCount()).toBe(before - 1);
});
