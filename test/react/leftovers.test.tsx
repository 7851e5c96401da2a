import { QueryClient } from '@tanstack/react-query';
import { StrictMode, Suspense } from 'react';
import { expect, test, vi } from 'vitest';
import { type GuestTokenProviderProps, useSuspenseGuestToken } from '../../src/index.ts';
import {
  down,
  fakeSource,
  HOUR,
  issuing,
  never,
  outcomeOf,
  type Page,
  pass,
  SECOND,
  showWidget,
  status,
  watchListeners,
  withFakeTime,
} from './page.tsx';

withFakeTime();

function Secret() {
  return <p>{useSuspenseGuestToken().token}</p>;
}

const suspended = (
  <Suspense fallback="connecting">
    <Secret />
  </Suspense>
);

interface Moment {
  readonly props?: Partial<GuestTokenProviderProps>;
  /** Brings the widget to the moment at which it leaves the page. */
  readonly before?: (page: Page) => unknown;
}

const moments: Record<string, () => Moment> = {
  'with a fresh token': () => ({}),
  'during its first request': () => ({ props: { source: fakeSource(issuing(HOUR, SECOND)) } }),
  'while the source never answers': () => ({ props: { source: fakeSource(never) } }),
  'between two attempts': () => ({ props: { source: fakeSource(down) } }),
  'in a cool-down': () => ({
    props: { source: fakeSource(status(400)) },
  }),
  'in a wait that the server named': () => ({
    props: { source: fakeSource(status(429, { 'Retry-After': '20' })) },
  }),
  'while somebody waits for getToken': () => ({
    props: { source: fakeSource(never) },
    before: (page) => outcomeOf(page.view.getToken()),
  }),
  'during a refresh()': () => ({ before: (page) => outcomeOf(page.view.refresh()) }),
  'while it suspends': () => ({
    props: { source: fakeSource(never), children: suspended },
  }),
  'with keepFresh "always"': () => ({ props: { keepFresh: 'always' } }),
  'with keepFresh "on-demand"': () => ({ props: { keepFresh: 'on-demand' } }),
  'with storage "session"': () => ({ props: { storage: 'session' } }),
  'with nobody here': () => ({ props: { externalId: null } }),
  'after the visitor has left': () => ({ before: (page) => page.update({ externalId: null }) }),
  'after another visitor has come': () => ({
    before: (page) => page.update({ externalId: 'other' }),
  }),
  'while it waits to be online': () => {
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    return {};
  },
};

const own = 'the page’s own client';

const setups = Object.entries(moments).flatMap(([name, moment]) => [
  [name, own, moment] as const,
  [name, 'a client of the host’s', moment] as const,
]);

test.for(setups)(
  'a widget unmounted %s leaves no timer or listener (%s)',
  async ([, whose, moment]) => {
    const listeners = watchListeners();
    const { props, before } = moment();
    const page = showWidget(
      {
        source: fakeSource(),
        ...(whose !== own && { queryClient: new QueryClient() }),
        ...props,
      },
      StrictMode,
    );
    await pass(SECOND / 2);
    await before?.(page);
    await pass();
    page.unmount();
    // On a client that lives on, a round that has begun may come to its end.
    await pass(whose === own ? 0 : 2 * HOUR);
    // A token that stays with its client needs one timer, which ends with it.
    expect(vi.getTimerCount()).toBeLessThanOrEqual(whose === own ? 0 : 1);
    expect(listeners.count).toBe(0);
    await pass(2 * HOUR);
    expect(vi.getTimerCount()).toBe(0);
  },
);

test('a widget that mounts and unmounts a hundred times leaves no timer or listener', async () => {
  const listeners = watchListeners();
  const source = fakeSource();
  for (let n = 0; n < 100; n++) {
    const page = showWidget({ source });
    await pass();
    page.unmount();
    await pass();
  }
  expect(vi.getTimerCount()).toBe(0);
  expect(listeners.count).toBe(0);
});

test('a widget unmounted during a request makes no further request', async () => {
  for (const answer of [down, status(400), never]) {
    const source = fakeSource(answer);
    const page = showWidget({ source, keepFresh: 'always' });
    await pass(SECOND);
    page.unmount();
    await pass(HOUR);
    expect(source.requests).toHaveLength(1);
  }
});

test('callers who wait for a token reject with aborted when the widget unmounts', async () => {
  const page = showWidget({ source: fakeSource(never) });
  await pass();
  const waiting = outcomeOf(page.view.getToken());
  page.unmount();
  await pass();
  expect(waiting.code).toBe('aborted');
  const late = outcomeOf(page.view.getToken());
  await pass();
  expect(late.code).toBe('aborted');
});

test('a widget unmounted in the same turn in which its request fails leaves no timer', async () => {
  // The failure travels through some promises; the page is left at each step of that way.
  for (let turns = 0; turns < 30; turns++) {
    let fail: (reason: unknown) => void = () => undefined;
    const source = fakeSource(() => new Promise((_, reject) => (fail = reject)));
    const page = showWidget({ source });
    await pass();
    fail(new Response(null, { status: 503 }));
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    page.unmount();
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(vi.getTimerCount(), `left after ${turns} turns`).toBe(0);
  }
});
