// What may end a pause after a failure, and what a component that suspends does in it.
import { act, render } from '@testing-library/react';
import * as React from 'react';
import { Fragment, type ReactNode, StrictMode, useState } from 'react';
import { beforeEach, describe, expect, test } from 'vitest';
import { GuestTokenProvider, type GuestTokenProviderProps } from '../../src/index.ts';
import { allowConsole } from '../strays.ts';
import {
  down,
  type FakeSource,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  never,
  SECOND,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';
import { Panel, settle } from './suspending.tsx';
import { ASKING_MS, openTab, withTabs } from './tabs.tsx';

withFakeTime();
// React prints each error that a boundary catches.
beforeEach(() => allowConsole(/./));

type Wrapper = (props: { children: ReactNode }) => ReactNode;

interface Panels {
  readonly panels: readonly Panel[];
  /** One more panel, between boundaries of its own. */
  mountOne(): Promise<Panel>;
  /** Takes all panels off the page and puts the same number of new ones there. */
  remount(): Promise<void>;
}

/** A page with panels, which renders together with the provider of all or of each. */
function showPanels(
  props: Partial<GuestTokenProviderProps>,
  wrapper: Wrapper,
  providers: 'one provider' | 'a provider each' = 'one provider',
): Panels {
  let panels = [new Panel()];
  let show: (panels: Panel[]) => void = () => undefined;
  const provider = (children: ReactNode, key?: number) => (
    <GuestTokenProvider key={key} externalId="visitor" {...props}>
      {children}
    </GuestTokenProvider>
  );
  function Page(): ReactNode {
    const [shown, setShown] = useState(panels);
    show = setShown;
    const widgets = shown.map(({ Show }, n) => <Show key={String(n)} />);
    return providers === 'one provider' ? provider(widgets) : widgets.map(provider);
  }
  async function set(next: Panel[]): Promise<void> {
    panels = next;
    await act(async () => show(next));
    await settle();
  }
  render(<Page />, { wrapper });
  return {
    get panels() {
      return panels;
    },
    async mountOne() {
      const panel = new Panel();
      await set([...panels, panel]);
      return panel;
    },
    async remount() {
      const { length } = panels;
      await set([]);
      await set(Array.from({ length }, () => new Panel()));
    },
  };
}

const wrappers: Record<string, Wrapper> = {
  plainly: ({ children }) => <Fragment>{children}</Fragment>,
  'under StrictMode': ({ children }) => <StrictMode>{children}</StrictMode>,
};
// React 19.2 brought <Activity>.
if ('Activity' in React) {
  const { Activity } = React;
  wrappers['in an <Activity>'] = ({ children }) => <Activity>{children}</Activity>;
  wrappers['in an <Activity> under StrictMode'] = ({ children }) => (
    <StrictMode>
      <Activity>{children}</Activity>
    </StrictMode>
  );
}

describe.for(Object.entries(wrappers))('a pause, with components rendered %s', ([, wrapper]) => {
  test.for(['one provider', 'a provider each'] as const)(
    'mounting a component that suspends does not end a Retry-After (%s)',
    async (providers) => {
      const source = fakeSource(status(429, { 'Retry-After': '240' }));
      const page = showPanels({ source }, wrapper, providers);
      await settle();
      for (let mounts = 1; mounts < 4; mounts++) {
        await settle(MINUTE);
        const panel = await page.mountOne();
        expect(panel.shown).toBe('retry');
        expect(panel.error?.code).toBe('rate_limited');
      }
      // A provider that goes with its panel could have gone with a boundary above it.
      if (providers === 'one provider') await page.remount();
      expect(page.panels.map(({ shown }) => shown)).toEqual(['retry', 'retry', 'retry', 'retry']);
      expect(source.requests).toHaveLength(1);
    },
  );

  test.for(['one provider', 'a provider each'] as const)(
    'mounting a component that suspends does not end a cool-down (%s)',
    async (providers) => {
      const source = fakeSource(status(400));
      const page = showPanels({ source }, wrapper, providers);
      await settle();
      for (let mounts = 0; mounts < 7; mounts++) {
        await settle(3 * SECOND);
        const isRemount = mounts % 2 && providers === 'one provider';
        await (isRemount ? page.remount() : page.mountOne());
      }
      const codes = page.panels.map(({ error }) => error?.code);
      expect(codes).toEqual(codes.map(() => 'rejected'));
      expect(source.requests).toHaveLength(1);
    },
  );

  test.for(['one provider', 'a provider each'] as const)(
    'mounting a component that suspends does not end a wait between two attempts (%s)',
    async (providers) => {
      const source = fakeSource(status(429, { 'Retry-After': '30' }));
      const page = showPanels({ source }, wrapper, providers);
      await settle(10 * SECOND);
      await page.mountOne();
      source.answer = issuing(HOUR);
      await settle(19 * SECOND);
      expect(source.requests).toHaveLength(1);
      await settle(SECOND);
      expect(page.panels.map(({ shown }) => shown)).toEqual([
        expect.stringMatching(/^token /),
        expect.stringMatching(/^token /),
      ]);
      expect(source.requests).toHaveLength(2);
    },
  );

  test('resetting the error boundary ends a wait between two attempts', async () => {
    const source = fakeSource(status(503));
    const { panels } = showPanels({ source }, wrapper);
    // The first acquisition makes three requests; the second one waits after its first.
    while (source.requests.length < 4) await settle(SECOND);
    source.answer = issuing(HOUR);
    await panels[0]?.retry();
    expect(panels[0]?.shown).toMatch(/^token /);
    expect(source.requests).toHaveLength(5);
  });

  test('resetting one error boundary ends a Retry-After for all boundaries', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '240' }));
    const page = showPanels({ source }, wrapper);
    await settle();
    const second = await page.mountOne();
    const [first] = page.panels;
    source.answer = issuing(HOUR, SECOND);
    await first?.retry();
    expect(first?.shown).toBe('connecting');
    await settle(SECOND);
    expect(first?.shown).toMatch(/^token ey/);
    await second.retry();
    expect(second.shown).toBe(first?.shown);
    expect(source.requests).toHaveLength(2);
  });

  test('resetting the error boundary asks again though another attempt has failed since', async () => {
    const source = fakeSource(status(503));
    const { panels } = showPanels({ source, retry: { attempts: 1 } }, wrapper);
    await settle();
    await settle(MINUTE); // the cool-down is over, and the package has tried again by itself
    expect(source.requests.length).toBeGreaterThan(1);
    source.answer = issuing(HOUR);
    await panels[0]?.retry();
    expect(panels[0]?.shown).toMatch(/^token /);
  });

  test('two error boundaries of one visitor fail and recover independently', async () => {
    const source = fakeSource(status(400));
    const page = showPanels({ source }, wrapper);
    await settle();
    const second = await page.mountOne();
    const [first] = page.panels;
    for (const panel of [first, second, second, first]) {
      const before = source.requests.length;
      await settle(SECOND);
      await panel?.retry();
      expect(panel?.shown).toBe('retry');
      expect(source.requests).toHaveLength(before + 1);
    }
    source.answer = issuing(HOUR);
    await first?.retry();
    await second.retry();
    expect(page.panels.map(({ shown }) => shown)).toEqual([first?.shown, first?.shown]);
    expect(first?.shown).toMatch(/^token ey/);
    expect(source.requests).toHaveLength(6);
  });
});

describe.for(Object.entries(wrappers))(
  'a sign-out elsewhere, with components rendered %s',
  ([, wrapper]) => {
    withTabs();

    async function twoTabs(source: FakeSource) {
      const page = showPanels({ source }, wrapper);
      await settle(ASKING_MS);
      await page.mountOne();
      const other = await openTab({ source, keepFresh: 'on-demand' });
      const shown = (): string[] => page.panels.map((panel) => panel.shown);
      return { page, other, shown };
    }

    test('a component suspends after a sign-out in another tab and resumes after the sign-in there', async () => {
      const source = fakeSource();
      const { page, other, shown } = await twoTabs(source);
      const [before] = shown();
      expect(before).toMatch(/^token ey/);
      other.update({ externalId: null });
      await settle(SECOND);
      expect(shown()).toEqual(['connecting', 'connecting']);
      await settle(MINUTE);
      expect(source.requests).toHaveLength(1);
      other.update({ externalId: 'visitor' });
      await settle(SECOND);
      const [after] = shown();
      expect(after).toMatch(/^token ey/);
      expect(after).not.toBe(before);
      expect(shown()).toEqual([after, after]);
      expect(page.panels.flatMap(({ errors }) => errors)).toEqual([]);
      expect(source.requests).toHaveLength(2);
    });

    test('a component suspends after a sign-out in another tab and resumes when a new tab opens', async () => {
      const source = fakeSource();
      const { page, other, shown } = await twoTabs(source);
      other.update({ externalId: null });
      await settle(MINUTE);
      await openTab({ source });
      await settle(SECOND);
      const [after] = shown();
      expect(after).toMatch(/^token ey/);
      expect(shown()).toEqual([after, after]);
      expect(page.panels.flatMap(({ errors }) => errors)).toEqual([]);
    });

    test('a component that mounts after a sign-out in another tab suspends', async () => {
      const source = fakeSource();
      const { page, other } = await twoTabs(source);
      other.update({ externalId: null });
      await settle(SECOND);
      const late = await page.mountOne();
      expect(late.shown).toBe('connecting');
      other.update({ externalId: 'visitor' });
      await settle(SECOND);
      expect(late.shown).toMatch(/^token ey/);
      expect(late.errors).toEqual([]);
    });
  },
);

test.for(Object.entries(wrappers))(
  'a component rendered %s suspends while a second provider signs the visitor out and resumes after the sign-in',
  async ([, wrapper]) => {
    const source = fakeSource();
    const other = showWidget({ source, externalId: 'anna' });
    const page = showPanels({ source, externalId: 'anna' }, wrapper);
    await settle();
    const [panel] = page.panels;
    const before = panel?.shown;
    expect(before).toMatch(/^token ey/);
    other.update({ externalId: null });
    await settle(SECOND);
    expect(panel?.shown).toBe('connecting');
    other.update({ externalId: 'anna' });
    await settle(SECOND);
    expect(panel?.shown).toMatch(/^token ey/);
    expect(panel?.shown).not.toBe(before);
    expect(panel?.errors).toEqual([]);
    expect(other.view.status).toBe('success');
  },
);

test('a sign-out elsewhere does not unmount a page without an error boundary', async () => {
  const source = fakeSource();
  const other = showWidget({ source, externalId: 'anna' });
  const panel = new Panel();
  const { container } = render(
    <GuestTokenProvider externalId="anna" source={source}>
      <h1>Shop</h1>
      <React.Suspense fallback="connecting">
        <panel.Bare />
      </React.Suspense>
    </GuestTokenProvider>,
  );
  await settle();
  other.update({ externalId: null });
  await settle(SECOND);
  expect(container.querySelector('h1')?.textContent).toBe('Shop');
  other.update({ externalId: 'anna' });
  await settle(SECOND);
  expect(panel.view?.status).toBe('success');
});

// StrictMode renders twice.
const mostRenders = (how: string): number => (how.includes('StrictMode') ? 40 : 20);

describe.for(Object.entries(wrappers))('expiry in two providers rendered %s', ([how, wrapper]) => {
  const endings = {
    'while the source hangs': never,
    'while the source fails': status(503),
    'while the network is down': down,
  };

  test.for(Object.entries(endings))(
    'two providers whose tokens expire %s do not render in a loop',
    async ([, answer]) => {
      const source = fakeSource(issuing(30 * SECOND));
      const [left, right] = [new Panel(), new Panel()];
      const buffer = { expiryBufferMs: 5 * SECOND };
      render(
        <>
          <GuestTokenProvider externalId="anna" source={source} {...buffer}>
            <left.Show />
          </GuestTokenProvider>
          <GuestTokenProvider externalId="ben" source={source} {...buffer}>
            <right.Show />
          </GuestTokenProvider>
        </>,
        { wrapper },
      );
      await settle();
      expect([left.shown, right.shown].join()).toMatch(/^token ey.*,token ey/);
      source.answer = answer;
      const before = left.renders + right.renders;
      for (let second = 0; second < 40; second++) await settle(SECOND);
      expect(left.renders + right.renders - before).toBeLessThan(mostRenders(how));
      source.answer = issuing(HOUR);
      await settle(MINUTE);
      for (const panel of [left, right]) {
        await panel.retry();
        expect(panel.shown).toMatch(/^token ey/);
      }
    },
  );
});
