// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BrokerLimits, createUpstreamPacer } from '../../src/server/limits/limits.ts';
import { type Ask, ask, openShop, type Problem, problem, reply } from './shop.ts';

beforeEach(() =>
  vi.useFakeTimers({
    toFake: ['Date', 'setTimeout', 'clearTimeout'],
    now: Date.UTC(2026, 2, 1),
  }),
);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A request that a server has taken from an address, as srvx and others hand it on. */
const from = (ip: string | undefined, what: Ask = {}): Request =>
  Object.assign(ask(what), ip === undefined ? {} : { ip });

describe('per visitor (B7)', () => {
  it('whoever asks too often is told when to come back, and the others are not', async () => {
    const { broker, events } = openShop({ limits: { perVisitor: 3 } });
    for (let time = 0; time < 3; time++) await reply(broker(ask()));
    vi.advanceTimersByTime(20_000);
    const refused = await problem(broker(ask()));
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited', retryAfter: '40' });
    await reply(broker(ask({ user: 'bob' })));
    expect(events.slice(-3)).toEqual([
      { type: 'limited', limit: 'visitor', retryAtMs: Date.now() + 40_000 },
      expect.objectContaining({ type: 'failed', code: 'rate_limited', status: 429 }),
      expect.objectContaining({ type: 'issued' }),
    ]);
    vi.advanceTimersByTime(40_000);
    await reply(broker(ask()));
  });

  it('is not counted for who may not ask at all', async () => {
    const { broker } = openShop({ limits: { perVisitor: 1 } });
    await problem(broker(ask({ body: { externalId: 'bob' } })));
    await reply(broker(ask()));
  });
});

describe('per address (B7)', () => {
  const limits = (rest: BrokerLimits = {}): { limits: BrokerLimits } => ({
    limits: { perIp: 2, ...rest },
  });
  const asMany = async (
    { broker }: ReturnType<typeof openShop>,
    requests: Request[],
  ): Promise<number[]> => {
    const statuses = [];
    for (const request of requests) statuses.push((await broker(request)).status);
    return statuses;
  };
  const forwarded = (value: string, ip = '10.0.0.1'): Request =>
    from(ip, { headers: { 'X-Forwarded-For': value } });

  it('counts all visitors of one address together', async () => {
    const shop = openShop(limits());
    const users = ['a', 'b', 'c'].map((user) => from('203.0.113.7', { user }));
    expect(await asMany(shop, users)).toEqual([200, 200, 429]);
    expect(await asMany(shop, [from('203.0.113.8')])).toEqual([200]);
    expect(shop.events).toContainEqual(expect.objectContaining({ type: 'limited', limit: 'ip' }));
  });

  it('X-Forwarded-For is anybody’s word, and counts for nothing by default', async () => {
    const shop = openShop(limits());
    const requests = ['1.1.1.1', '2.2.2.2', '3.3.3.3'].map((value) => forwarded(value));
    expect(await asMany(shop, requests)).toEqual([200, 200, 429]);
  });

  it('with one proxy of yours the last hop counts, whatever the visitor has put before it', async () => {
    const shop = openShop(limits({ trustedProxies: 1 }));
    const spoofed = ['1.1.1.1, 203.0.113.7', '2.2.2.2,203.0.113.7', '203.0.113.7'];
    expect(
      await asMany(
        shop,
        spoofed.map((value) => forwarded(value)),
      ),
    ).toEqual([200, 200, 429]);
    expect(await asMany(shop, [forwarded('203.0.113.7, 198.51.100.1')])).toEqual([200]);
  });

  it('with two, the last but one', async () => {
    const shop = openShop(limits({ trustedProxies: 2 }));
    const requests = [
      '9.9.9.9, 203.0.113.7, 10.0.0.2',
      '203.0.113.7, 10.0.0.3',
      '203.0.113.7,10.0.0.4',
    ];
    expect(
      await asMany(
        shop,
        requests.map((value) => forwarded(value)),
      ),
    ).toEqual([200, 200, 429]);
  });

  it('who goes around the proxies is counted by where the request comes from', async () => {
    const shop = openShop(limits({ trustedProxies: 2 }));
    const around = [
      from('203.0.113.9'),
      forwarded('1.1.1.1', '203.0.113.9'),
      forwarded(' , ', '203.0.113.9'),
    ];
    expect(await asMany(shop, around)).toEqual([200, 200, 429]);
  });

  it.each([
    ['203.0.113.7:1111', '203.0.113.7:2222'],
    ['[2001:db8::7]:1111', '[2001:db8::7]:2222'],
    ['[2001:db8::7]', '2001:db8::7'],
  ])('a port is no part of an address: %s, %s', async (one, two) => {
    const shop = openShop(limits({ trustedProxies: 1, perIp: 1 }));
    expect(await asMany(shop, [forwarded(one), forwarded(two)])).toEqual([200, 429]);
  });

  it('two IPv6 addresses are two', async () => {
    const shop = openShop(limits({ trustedProxies: 1, perIp: 1 }));
    expect(await asMany(shop, [forwarded('2001:db8::7'), forwarded('2001:db8::8')])).toEqual([
      200, 200,
    ]);
  });

  it('a request without an address is not limited, and operators are told once', async () => {
    const shop = openShop(limits());
    expect(await asMany(shop, [ask(), ask(), ask()])).toEqual([200, 200, 200]);
    expect(shop.count('address-unknown')).toBe(1);
  });
});

describe('settings', () => {
  it.each([
    [{ perVisitor: 0 }, 'limits.perVisitor'],
    [{ perVisitor: 1.5 }, 'limits.perVisitor'],
    [{ perIp: -1 }, 'limits.perIp'],
    [{ perIp: Number.NaN }, 'limits.perIp'],
    [{ upstream: 0 }, 'limits.upstream'],
    [{ upstream: -5 }, 'limits.upstream'],
    [{ maxWaitMs: -1 }, 'limits.maxWaitMs'],
    [{ maxWaitMs: Number.NaN }, 'limits.maxWaitMs'],
    [{ trustedProxies: -1 }, 'limits.trustedProxies'],
    [{ trustedProxies: 0.5 }, 'limits.trustedProxies'],
  ])('%j is refused at construction', (limits, named) => {
    expect(() => openShop({ limits })).toThrow(`Option "${named}"`);
  });
});

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
      const pacer = createUpstreamPacer({ upstream });
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
      const pacer = createUpstreamPacer({ upstream, maxWaitMs });
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
    const pacer = createUpstreamPacer({ upstream: 300 });
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
