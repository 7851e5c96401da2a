// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask, openShop, type Problem, problem, reply } from '../shop.ts';
import { fakeClocks, setClockBack } from './clock.ts';
import { mostInAMinute, paced } from './pace.ts';

beforeEach(() => fakeClocks());
afterEach(() => {
  vi.useRealTimers();
});

let visitors = 0;
const newVisitor = (): string => `visitor ${visitors++}`;

describe('the pace of calls to Genesys', () => {
  it.each([1, 7, 30, 60, 300, 3000])(
    'is %i in any minute at most, and all of them while there are visitors',
    async (upstream) => {
      const pacer = paced({ upstream });
      const atMs: number[] = [];
      const waiting: Promise<unknown>[] = [];
      const minutes = 5;
      for (let second = 0; second < minutes * 60; second++) {
        for (let caller = 0; caller < Math.ceil(upstream / 50); caller++) {
          const call = pacer.run(newVisitor(), async () => atMs.push(Date.now()));
          waiting.push(call.catch(() => undefined));
        }
        await vi.advanceTimersByTimeAsync(1_000);
      }
      await Promise.all(waiting);
      expect(mostInAMinute(atMs)).toBe(upstream);
      expect(atMs.length).toBeGreaterThanOrEqual(upstream * minutes);
    },
  );

  it('lets calls go at once while the last minute held fewer', async () => {
    const { broker } = openShop({ limits: {} });
    const startedAtMs = Date.now();
    const answers = Array.from({ length: 100 }, () => broker(ask({ user: newVisitor() })));
    for (const answer of answers) await reply(answer);
    expect(Date.now()).toBe(startedAtMs);
  });

  it('lets a call go as soon as the first of the last minute is a minute old', async () => {
    const pacer = paced({ upstream: 2 });
    const atMs: number[] = [];
    const call = (): Promise<number> => pacer.run(newVisitor(), async () => atMs.push(Date.now()));
    const startedAtMs = Date.now();
    await call();
    await vi.advanceTimersByTimeAsync(30_000);
    await call();
    await vi.advanceTimersByTimeAsync(29_000);
    const third = call();
    await vi.advanceTimersByTimeAsync(2_000);
    await third;
    await vi.advanceTimersByTimeAsync(28_000);
    const fourth = call();
    await vi.advanceTimersByTimeAsync(2_000);
    await fourth;
    expect(atMs.map((at) => at - startedAtMs)).toEqual([0, 30_000, 60_000, 90_000]);
  });

  it('is told by events: how many calls wait, whenever that changes', async () => {
    const { broker, events } = openShop({ limits: { upstream: 2, maxWaitMs: 60_000 } });
    await reply(broker(ask({ user: newVisitor() }))); // one call for the login, one for the visitor
    const waiting = [1, 2].map(() => broker(ask({ user: newVisitor() })));
    const counts = (): unknown[] =>
      events.flatMap((event) => (event.type === 'upstream-queue' ? [event.waiting] : []));
    await vi.waitFor(() => expect(counts()).toEqual([1, 2]));
    await vi.advanceTimersByTimeAsync(60_000);
    await Promise.all(waiting);
    expect(counts()).toEqual([1, 2, 1, 0]);
  });

  it('holds at Genesys too, however long a call is on its way', async () => {
    const upstream = 20;
    const pacer = paced({ upstream });
    const countedAtMs: number[] = [];
    const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    for (let second = 0; second < 300; second++) {
      // the slow ones of one minute come close to the quick ones of the next
      const travelMs = second % 120 < 60 ? 8_000 : 5;
      for (let caller = 0; caller < 3; caller++) {
        const call = pacer.run(newVisitor(), async () => {
          await pass(travelMs);
          countedAtMs.push(Date.now());
          await pass(100);
        });
        call.catch(() => undefined);
      }
      await vi.advanceTimersByTimeAsync(1_000);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect(mostInAMinute(countedAtMs)).toBe(upstream);
    expect(countedAtMs.length).toBeGreaterThanOrEqual(0.8 * upstream * 5);
  });

  it('counts a call that fails', async () => {
    const pacer = paced({ upstream: 1 });
    const fails = pacer.run('ada', async () => Promise.reject(new Error('unreachable')));
    await expect(fails).rejects.toThrow('unreachable');
    const next = pacer.run('bob', async () => undefined);
    await expect(next).rejects.toMatchObject({ code: 'rate_limited' });
  });

  it('does not change when the wall clock is set back an hour', async () => {
    const pacer = paced({ upstream: 1 });
    await pacer.run('ada', async () => undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    setClockBack(3_600_000);
    const refused = await pacer.run('bob', async () => undefined).catch((error) => error);
    expect(refused.retryAtMs - Date.now()).toBeLessThanOrEqual(60_000);
    await vi.advanceTimersByTimeAsync(40_000);
    await pacer.run('bob', async () => undefined);
  });

  it('lets nobody wait for longer than maxWaitMs, for a turn or a refusal', async () => {
    for (const [upstream, maxWaitMs] of [
      [300, 2_000],
      [300, 500],
      [10, 2_000],
      [1, 2_000],
      [300, 0],
    ] as const) {
      const pacer = paced({ upstream, maxWaitMs });
      const waitsMs: number[] = [];
      const come = async (): Promise<string> => {
        const startedAtMs = Date.now();
        const end = await pacer.run(newVisitor(), async () => 'served').catch(() => 'refused');
        waitsMs.push(Date.now() - startedAtMs);
        return end;
      };
      const ends: Promise<string>[] = [];
      for (let second = 0; second < 120; second++) {
        for (let caller = 0; caller < upstream / 30; caller++) ends.push(come());
        await vi.advanceTimersByTimeAsync(1_000);
      }
      await vi.advanceTimersByTimeAsync(10_000);
      expect(new Set(await Promise.all(ends))).toEqual(new Set(['served', 'refused']));
      expect(Math.max(...waitsMs)).toBeLessThanOrEqual(maxWaitMs);
    }
  });

  it('lets nobody wait for longer while others come all the time and Redis is slow', async () => {
    const slowMs = 5;
    const redis = {
      async eval(): Promise<number[]> {
        await new Promise((resolve) => setTimeout(resolve, slowMs));
        // one machine, 300 calls, and no place for half a minute
        return [1, 300, 30_000, 0];
      },
    };
    const pacer = paced({ redis });
    const waitsMs: number[] = [];
    for (let ms = 0; ms < 5_000; ms++) {
      const startedAtMs = Date.now();
      pacer
        .run(newVisitor(), async () => undefined)
        .catch(() => waitsMs.push(Date.now() - startedAtMs));
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(5_000);
    expect(waitsMs.length).toBe(5_000);
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(2_000);
  });

  it('is a share of it for over a minute after Redis is back, which counts nothing of what was called without', async () => {
    let isAway = false;
    const redis = {
      async eval(): Promise<number[]> {
        if (isAway) throw new Error('Redis is away.');
        // two machines, one call, and a place
        return [2, 1];
      },
    };
    const pacer = paced({ upstream: 4, redis });
    const call = (): Promise<string> =>
      pacer.run(newVisitor(), async () => 'made').catch(() => 'refused');
    expect(await call()).toBe('made');
    isAway = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await call()).toBe('made');
    await vi.advanceTimersByTimeAsync(61_000);
    isAway = false;
    expect([await call(), await call(), await call()]).toEqual(['made', 'made', 'refused']);
    await vi.advanceTimersByTimeAsync(69_000);
    expect([await call(), await call(), await call()]).toEqual(['made', 'made', 'refused']);
    await vi.advanceTimersByTimeAsync(61_000);
    const all = [await call(), await call(), await call(), await call(), await call()];
    expect(all).toEqual(['made', 'made', 'made', 'made', 'refused']);
  });

  it('is what the others have left of it when Redis goes away, and after a minute the share', async () => {
    let isAway = false;
    const redis = {
      async eval(): Promise<number[]> {
        if (isAway) throw new Error('Redis is away.');
        // two machines, and nine calls: eight of the other one
        return [2, 9];
      },
    };
    const pacer = paced({ upstream: 12, redis });
    const call = (): Promise<string> =>
      pacer.run(newVisitor(), async () => 'made').catch(() => 'refused');
    expect(await call()).toBe('made');
    isAway = true;
    expect([await call(), await call()]).toEqual(['made', 'refused']);
    await vi.advanceTimersByTimeAsync(61_000);
    const all = await Promise.all(Array.from({ length: 7 }, call));
    expect(all.filter((result) => result === 'made').length).toBe(6);
  });

  it('lets those who are turned away come back one after the other, and beyond a minute at random', async () => {
    const pacer = paced({ upstream: 300 });
    const backInMs: number[] = [];
    const come = (): void => {
      pacer
        .run(newVisitor(), async () => undefined)
        .catch((error) => backInMs.push(error.retryAtMs - Date.now()));
    };
    // 5 a second, so that places become free at that rate
    for (let call = 0; call < 300; call++) {
      come();
      await vi.advanceTimersByTimeAsync(200);
    }
    for (let caller = 0; caller < 2_000; caller++) come();
    await vi.advanceTimersByTimeAsync(0);
    expect(backInMs.length).toBe(2_000 - 11);
    const inOrder = backInMs.slice(0, 200);
    expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
    expect(new Set(inOrder).size).toBe(200);
    expect(Math.max(...backInMs)).toBeLessThanOrEqual(60_000);
    expect(Math.min(...backInMs)).toBeGreaterThan(2_000);
    const late = backInMs.slice(300);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(30_000);
    expect(late.filter((ms) => ms > 59_000).length).toBeLessThan(late.length / 10);
    // An old burst does not make the next one wait.
    await vi.advanceTimersByTimeAsync(120_000);
    backInMs.length = 0;
    for (let call = 0; call < 300; call++) {
      come();
      await vi.advanceTimersByTimeAsync(200);
    }
    for (let caller = 0; caller < 20; caller++) come();
    await vi.advanceTimersByTimeAsync(0);
    expect(backInMs.length).toBe(20 - 11);
    expect(Math.max(...backInMs)).toBeLessThan(6_000);
  });

  it('tells whoever comes back too early to wait for longer, and nobody else', async () => {
    const pacer = paced({ upstream: 300 });
    for (let call = 0; call < 300; call++) {
      void pacer.run(newVisitor(), async () => undefined);
      await vi.advanceTimersByTimeAsync(200);
    }
    const backInMs = async (who: string): Promise<number> => {
      const error = await pacer.run(who, async () => undefined).catch((refusal) => refusal);
      return error.retryAtMs - Date.now();
    };
    // those who may wait
    for (let caller = 0; caller < 11; caller++) void pacer.run(newVisitor(), async () => undefined);
    const impatient = [];
    for (let time = 0; time < 500; time++) impatient.push(await backInMs('an impatient one'));
    expect(Math.min(...impatient.slice(1))).toBeGreaterThanOrEqual(30_000);
    expect(await backInMs('somebody else')).toBeLessThan(3_000);
  });

  it('counts logins, and what is sent again after a 401', async () => {
    const { broker, sandbox, count } = openShop({ limits: { upstream: 10 } });
    await reply(broker(ask({ user: 'ada' }))); // login, visitor
    await reply(broker(ask({ user: 'bob' }))); // visitor
    sandbox.revokeAccessTokens();
    await reply(broker(ask({ user: 'carol' }))); // visitor, login, visitor
    expect(sandbox.count()).toBe(6);
    for (let call = 7; call <= 10; call++) await reply(broker(ask({ user: newVisitor() })));
    expect(await problem(broker(ask({ user: 'dan' })))).toMatchObject({ code: 'rate_limited' });
    expect(sandbox.count()).toBe(10);
    expect(count('circuit-opened')).toBe(0);
  });

  it('takes no login for a failure of Genesys that has to wait for its turn', async () => {
    const { broker, sandbox, count } = openShop({ limits: { upstream: 1 } });
    // The login is the one call of this minute, the visitor call that of the next.
    expect(await problem(broker(ask()))).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(count('circuit-opened')).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    await reply(broker(ask()));
    expect(sandbox.count('visitor')).toBe(1);
  });

  it('counts a renewal, and the new sign-in after one that is refused', async () => {
    let calls = 0;
    const limits = { upstream: 8 };
    const issued = { id: '1', expires_in: 60, refresh_token: 'refresh' };
    const issuer = {
      issue: async () => ({ ...issued, token: `guest-${calls++}` }),
      refresh: async () => {
        const token = `guest-${calls++}`;
        if (calls > 3) throw Object.assign(new Error('over'), { status: 401 });
        return { ...issued, token };
      },
    };
    const { broker } = openShop({ limits, issuer });
    const renew = async (): Promise<Response> => {
      await vi.advanceTimersByTimeAsync(11_000);
      return broker(ask({ headers: { 'Cache-Control': 'no-cache' } }));
    };
    await reply(broker(ask())); // issue
    await reply(renew()); // refresh
    await reply(renew()); // refresh
    await reply(renew()); // refused refresh, issue
    expect(calls).toBe(5);
    for (const user of ['bob', 'carol', 'dan']) await reply(broker(ask({ user })));
    expect(await problem(broker(ask({ user: 'eve' })))).toMatchObject({ code: 'rate_limited' });
    expect(calls).toBe(8);
  });

  it('counts a revocation at sign-out', async () => {
    const issuer = {
      issue: async () => ({ id: '1', token: 'guest', expires_in: 60 }),
      revoke: async () => undefined,
    };
    const { broker } = openShop({ limits: { upstream: 3 }, issuer });
    await reply(broker(ask({ user: 'ada' })));
    await broker.signOut({ externalId: 'ada' });
    await reply(broker(ask({ user: 'bob' })));
    expect(await problem(broker(ask({ user: 'carol' })))).toMatchObject({ code: 'rate_limited' });
  });

  it('does not count a token from the pool', async () => {
    const { broker } = openShop({ limits: { upstream: 2 } });
    await reply(broker(ask()));
    for (let time = 0; time < 20; time++) await reply(broker(ask()));
    expect(await problem(broker(ask({ user: 'bob' })))).toMatchObject({ status: 429 });
  });

  it('serves a burst of 5,000 new visitors at the rate of Genesys, without a 429 from there', async () => {
    const minutes = 4;
    const { broker, sandbox, count } = openShop({ limits: {} }, { requestsPerMinute: 300 });
    const startedAtMs = Date.now();
    const servedAtMs: number[] = [];
    const refusals: Problem[] = [];
    // Whoever is turned away comes back when told to.
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
      await settled(() => open);
      await vi.advanceTimersByTimeAsync(1_000);
    }

    expect(sandbox.requests.filter(({ status }) => status === 429)).toEqual([]);
    expect(count('circuit-opened')).toBe(0);
    expect(new Set(refusals.map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(['429 rate_limited']),
    );
    expect(mostInAMinute(servedAtMs)).toBeLessThanOrEqual(300);
    expect(servedAtMs.length / minutes).toBeGreaterThan(0.95 * 300);
  }, 60_000);
});

/** Lets real work, such as hashing, come to its end; fake time stands still meanwhile. */
async function settled(value: () => number): Promise<void> {
  let known = value();
  for (let quiet = 0; quiet < 20; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() !== known) quiet = 0;
    known = value();
  }
}
