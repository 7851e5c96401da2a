// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrokerLimits } from '../../../src/server/limits/brokerLimits.ts';
import {
  createUpstreamPacer,
  type UpstreamPacer,
} from '../../../src/server/limits/upstreamPacer.ts';
import { ask, openShop, type Problem, problem, reply } from '../shop.ts';
import { fakeClocks } from './clock.ts';

beforeEach(() => fakeClocks());
afterEach(() => {
  vi.useRealTimers();
});

const paced = (limits: BrokerLimits): UpstreamPacer => createUpstreamPacer(limits, () => undefined);

/** The most calls in any 60 s. */
function mostInAMinute(atMs: readonly number[]): number {
  let first = 0;
  let most = 0;
  for (const [last, at] of atMs.entries()) {
    while ((atMs[first] ?? 0) <= at - 60_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

describe('pacing of calls to Genesys (B7)', () => {
  it.each([1, 7, 30, 60, 300, 3000])(
    'of %i a minute no minute ever sees more, and most are used',
    async (upstream) => {
      const pacer = paced({ upstream });
      const atMs: number[] = [];
      const waiting: Promise<unknown>[] = [];
      for (let step = 0; step < 300; step++) {
        for (let caller = 0; caller < Math.ceil(upstream / 60); caller++) {
          const turn = pacer.turn().then(
            () => atMs.push(Date.now()),
            () => undefined,
          );
          waiting.push(turn);
        }
        await vi.advanceTimersByTimeAsync(1_000);
      }
      await Promise.all(waiting);
      expect(mostInAMinute(atMs)).toBeLessThanOrEqual(upstream);
      const minutes = 5;
      const atLeast = upstream >= 30 ? 0.8 : 0.5;
      expect(atMs.length).toBeGreaterThanOrEqual(Math.floor(upstream * minutes * atLeast));
    },
  );

  it('nobody waits for longer than maxWaitMs for a turn or a refusal', async () => {
    for (const [upstream, maxWaitMs] of [
      [300, 2_000],
      [300, 500],
      [10, 2_000],
      [1, 2_000],
      [300, 0],
    ] as const) {
      const pacer = paced({ upstream, maxWaitMs });
      const startedAtMs = Date.now();
      const waits: number[] = [];
      const turns = Array.from({ length: 50 }, () =>
        pacer
          .turn()
          .then(
            () => 'served',
            () => 'refused',
          )
          .then((end) => {
            waits.push(Date.now() - startedAtMs);
            return end;
          }),
      );
      await vi.advanceTimersByTimeAsync(10_000);
      const ends = await Promise.all(turns);
      expect(Math.max(...waits)).toBeLessThanOrEqual(maxWaitMs);
      expect(ends).toContain('served');
      expect(ends).toContain('refused');
    }
  });

  it('those who are turned away come back one after the other; beyond a minute, spread over half of one', async () => {
    const pacer = paced({ upstream: 300 });
    const backInMs: number[] = [];
    for (let caller = 0; caller < 2_000; caller++) {
      pacer.turn().catch((error) => backInMs.push(error.retryAtMs - Date.now()));
    }
    await vi.advanceTimersByTimeAsync(0);
    expect(backInMs.length).toBe(2_000 - 18);
    const orderly = backInMs.slice(0, 200);
    expect(orderly).toEqual(orderly.toSorted((a, b) => a - b));
    expect(new Set(orderly).size).toBe(200);
    expect(Math.max(...backInMs)).toBeLessThanOrEqual(60_000);
    expect(Math.min(...backInMs)).toBeGreaterThan(2_000);
    const late = backInMs.slice(300);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(30_000);
    expect(late.filter((ms) => ms > 59_000).length).toBeLessThan(late.length / 10);
    // an old burst does not make the next one wait
    await vi.advanceTimersByTimeAsync(120_000);
    const refusals: number[] = [];
    for (let caller = 0; caller < 30; caller++) {
      pacer.turn().catch((error) => refusals.push(error.retryAtMs - Date.now()));
    }
    await vi.advanceTimersByTimeAsync(0);
    expect(Math.max(...refusals)).toBeLessThan(6_000);
  });

  it('who is in the pool needs no turn', async () => {
    const { broker } = openShop({ limits: { upstream: 1 } });
    await reply(broker(ask()));
    for (let time = 0; time < 20; time++) await reply(broker(ask()));
    expect(await problem(broker(ask({ user: 'bob' })))).toMatchObject({ status: 429 });
  });

  it('a burst of 5,000 new visitors against a Genesys of 300 a minute: no 429 from there, all at the allowed rate', async () => {
    const minutes = 4;
    const { broker, sandbox, count } = openShop({ limits: {} }, { requestsPerMinute: 300 });
    const startedAtMs = Date.now();
    const servedAtMs: number[] = [];
    const refusals: Problem[] = [];
    // what each does that was turned away: comes back when it was told to
    const due: { user: number; atMs: number }[] = Array.from({ length: 5_000 }, (_, user) => ({
      user,
      atMs: startedAtMs,
    }));
    let open = 0;

    async function visit(user: number): Promise<void> {
      open++;
      const response = await broker(ask({ user: `visitor ${user}` }));
      open--;
      if (response.status === 200) {
        servedAtMs.push(Date.now());
        return;
      }
      const refused = await problem(response);
      refusals.push(refused);
      due.push({ user, atMs: Date.now() + Number(refused.retryAfter) * 1000 });
    }

    while (Date.now() < startedAtMs + minutes * 60_000) {
      const now = due.filter(({ atMs }) => atMs <= Date.now());
      for (const visitor of now) due.splice(due.indexOf(visitor), 1);
      for (const { user } of now) void visit(user);
      // all but those who wait for their turn
      await settled(() => open <= 9);
      await vi.advanceTimersByTimeAsync(1_000);
    }

    expect(sandbox.requests.filter(({ status }) => status === 429)).toEqual([]);
    expect(count('circuit-opened')).toBe(0);
    expect(new Set(refusals.map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(['429 rate_limited']),
    );
    expect(mostInAMinute(servedAtMs)).toBeLessThanOrEqual(300);
    expect(servedAtMs.length / minutes).toBeGreaterThan(0.8 * 300);
  }, 60_000);
});

/** Lets real work, such as hashing, come to its end; fake time stands still meanwhile. */
async function settled(isSettled: () => boolean): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve));
  while (!isSettled());
}
