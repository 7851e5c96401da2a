// Nothing of a visitor who has gone is kept in memory.
import { setImmediate as nextTask } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { QueryClient } from '@tanstack/react-query';
import { cleanup } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { type GuestTokenSource, guestTokenQueryOptions } from '../../src/index.ts';
import { HOUR, pass, reply, SECOND, showWidget, withFakeTime } from './page.tsx';

withFakeTime();

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** React keeps the tree before the present one, and an engine may keep what it has just used. */
const STILL_IN_USE = 10;

/** How many of the objects are still there after the garbage has been collected. */
async function countLeft(refs: readonly WeakRef<object>[]): Promise<number> {
  vi.useRealTimers();
  for (let times = 0; times < 3; times++) {
    await nextTask();
    collectGarbage();
  }
  return refs.filter((ref) => ref.deref()).length;
}

/** Only their number, or the test itself would keep them. */
function queriesWithData(queryClient: QueryClient): number {
  const queries = queryClient.getQueryCache().getAll();
  return queries.filter(({ state }) => state.data).length;
}

/** A source of the visitor's own, which the test itself does not hold. */
function newSource(refs: WeakRef<object>[]): GuestTokenSource {
  const source: GuestTokenSource = async ({ externalId }) => reply(HOUR, externalId);
  refs.push(new WeakRef(source));
  return source;
}

test.for([
  ['200', 'the page’s own client', 200, (): undefined => undefined],
  ['2,000', 'a client of the host’s', 2_000, () => new QueryClient()],
] as const)(
  '%s visitors, one after the other on %s, are forgotten but for the last',
  { timeout: 30_000 },
  async ([, , count, newClient]) => {
    const queryClient = newClient();
    const refs: WeakRef<object>[] = [];
    const page = showWidget({ queryClient, externalId: 'visitor', source: newSource(refs) });
    for (let visitor = 1; visitor < count; visitor++) {
      page.update({ externalId: `visitor ${visitor}`, source: newSource(refs) });
      await pass();
    }
    expect(page.view.status).toBe('success');
    expect(await countLeft(refs)).toBeLessThanOrEqual(STILL_IN_USE);
    expect(queryClient?.getQueryCache().getAll().length ?? 1).toBe(1);
  },
);

test('visitors whose providers have unmounted are forgotten', async () => {
  const refs: WeakRef<object>[] = [];
  for (let visitor = 0; visitor < 100; visitor++) {
    const page = showWidget({ externalId: `visitor ${visitor}`, source: newSource(refs) });
    await pass();
    page.unmount();
    await pass();
  }
  cleanup(); // Testing Library keeps the roots
  expect(await countLeft(refs)).toBeLessThanOrEqual(STILL_IN_USE);
});

test('visitors without a provider whose tokens have expired are forgotten when the next one comes', async () => {
  const refs: WeakRef<object>[] = [];
  const queryClient = new QueryClient();
  const fetchFor = (externalId: string) =>
    queryClient.fetchQuery(guestTokenQueryOptions({ externalId, source: newSource(refs) }));
  for (let visitor = 0; visitor < 100; visitor++) await fetchFor(`visitor ${visitor}`);
  await pass(2 * HOUR);
  expect(queriesWithData(queryClient)).toBe(0);
  await fetchFor('the next one');
  await pass(SECOND); // React Query tells its observers what has gone
  expect(await countLeft(refs)).toBeLessThanOrEqual(STILL_IN_USE);
});
