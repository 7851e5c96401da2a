// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrokerEvent } from '../../src/server/events.ts';
import { type Caller, createCircuit } from '../../src/server/upstream/circuit.ts';
import { fakeClocks } from './limits/clock.ts';
import { ask, gate, openShop, problem, reply } from './shop.ts';

beforeEach(() => fakeClocks());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

let callers = 0;
/** Another visitor each time. */
const caller = (): Caller => ({
  externalId: `visitor ${callers++}`,
  channelId: 'webchat-default',
});

const pass = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);

describe('Genesys fails again and again', () => {
  it('after five failures in a row it is left alone, and visitors are told when to come back', async () => {
    const { broker, sandbox, count } = openShop();
    sandbox.fault('visitor', 'unavailable');
    for (let user = 0; user < 5; user++) await problem(broker(ask({ user: `u${user}` })));
    expect(sandbox.count('visitor')).toBe(5);
    const refused = await problem(broker(ask({ user: 'late' })));
    expect(refused).toMatchObject({ status: 503, code: 'unavailable' });
    expect(Number(refused.retryAfter)).toBeGreaterThanOrEqual(10);
    expect(Number(refused.retryAfter)).toBeLessThanOrEqual(16);
    expect(sandbox.count('visitor')).toBe(5);
    expect(count('circuit-opened')).toBe(1);
  });

  it('nobody waits in the queue for being refused', async () => {
    const { broker, sandbox } = openShop({ limits: { upstream: 60 } });
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 60 });
    await problem(broker(ask({ user: 'a' })));
    // the clock stands still: whoever waited for a turn would wait for ever
    for (let user = 0; user < 9; user++) {
      const refused = await problem(broker(ask({ user: `u${user}` })));
      expect(refused.detail).toContain('left alone');
    }
  });

  it('who has a token in the pool notices nothing', async () => {
    const { broker, sandbox } = openShop();
    const { token } = await reply(broker(ask()));
    sandbox.fault('visitor', 'unavailable');
    for (let user = 0; user < 6; user++) await problem(broker(ask({ user: `u${user}` })));
    expect((await reply(broker(ask()))).token).toBe(token);
  });

  it('then one call tries it, and not everybody who has waited', async () => {
    let held: ReturnType<typeof gate> | undefined;
    const tried = gate();
    const { broker, sandbox, events } = openShop({}, {}, (cloud) => async (...call) => {
      if (held) tried.open();
      await held?.opened;
      return cloud.fetch(...call);
    });
    sandbox.fault('visitor', 'unavailable');
    for (let user = 0; user < 5; user++) await problem(broker(ask({ user: `u${user}` })));
    pass(13_000);
    held = gate();
    const first = broker(ask({ user: 'first' }));
    await tried.opened;
    for (let user = 0; user < 9; user++) {
      expect(await problem(broker(ask({ user: `v${user}` })))).toMatchObject({ status: 503 });
    }
    held.open();
    await problem(first);
    expect(sandbox.count('visitor')).toBe(6);
    sandbox.clear();
    pass(13_000);
    await reply(broker(ask({ user: 'first' })));
    await reply(broker(ask({ user: 'second' })));
    const types = events.map(({ type }) => type).filter((type) => type.startsWith('circuit'));
    expect(types).toEqual(['circuit-opened', 'circuit-opened', 'circuit-closed']);
  });

  it('cut connections and time-outs count, as does a login that fails', async () => {
    const { broker, sandbox, count } = openShop();
    sandbox.fault('visitor', 'cut', { times: 2 });
    sandbox.fault('visitor', { kind: 'unavailable', status: 504 }, { times: 2 });
    for (let user = 0; user < 4; user++) await problem(broker(ask({ user: `u${user}` })));
    sandbox.revokeAccessTokens();
    sandbox.fault('login', 'unavailable');
    await problem(broker(ask({ user: 'u4' })));
    expect(count('circuit-opened')).toBe(1);
  });

  it.each([
    'forbidden',
    'html',
    'empty-token',
    { kind: 'unavailable', status: 400 },
    { kind: 'unauthorized', code: 'ip.not.authorized' },
  ] as const)('%j is an answer: nobody is sent away for it', async (fault) => {
    const { broker, sandbox, count } = openShop();
    sandbox.fault('visitor', fault);
    for (let user = 0; user < 20; user++) await problem(broker(ask({ user: `u${user}` })));
    expect(sandbox.count('visitor')).toBe(20);
    expect(count('circuit-opened')).toBe(0);
  });

  it('failures count in a row only', async () => {
    const { broker, sandbox, count } = openShop();
    for (let round = 0; round < 3; round++) {
      sandbox.fault('visitor', 'unavailable', { times: 4 });
      for (let user = 0; user < 4; user++) await problem(broker(ask({ user: `u${round}${user}` })));
      await reply(broker(ask({ user: `ok${round}` })));
    }
    expect(count('circuit-opened')).toBe(0);
  });
});

describe('whose failures they are', () => {
  it('one visitor who fails again and again harms nobody else', async () => {
    const { broker, sandbox, count } = openShop(
      {},
      {},
      (cloud) => (input, init) =>
        String(init?.body).includes('"eve"')
          ? Promise.resolve(new Response(null, { status: 500 }))
          : cloud.fetch(input, init),
    );
    for (let time = 0; time < 30; time++) await problem(broker(ask({ user: 'eve' })));
    expect(count('circuit-opened')).toBe(0);
    await reply(broker(ask({ user: 'ada' })));
    expect(sandbox.count('visitor')).toBe(1);
  });

  it('a channel that fails for everybody leaves the others alone', async () => {
    const channelId = ['webchat-default', 'broken'];
    const { broker, events } = openShop(
      {},
      { channelId },
      (cloud) => (input, init) =>
        String(init?.body).includes('"broken"')
          ? Promise.resolve(new Response(null, { status: 500 }))
          : cloud.fetch(input, init),
    );
    const broken = { channelId: 'broken' };
    for (let user = 0; user < 6; user++) {
      await problem(broker(ask({ user: `u${user}`, body: broken })));
    }
    expect(await problem(broker(ask({ user: 'late', body: broken })))).toMatchObject({
      reason: 'circuit_open',
    });
    await reply(broker(ask({ user: 'late' })));
    const opened = events.filter(({ type }) => type === 'circuit-opened');
    expect(opened).toMatchObject([{ channelId: 'broken' }]);
  });
});

describe('Genesys asks for a pause', () => {
  it('a 429 stops all calls until its Retry-After is over', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 30 }, { times: 1 });
    expect((await problem(broker(ask({ user: 'a' })))).retryAfter).toBe('30');
    pass(20_000);
    const refused = await problem(broker(ask({ user: 'b' })));
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(Number(refused.retryAfter)).toBeGreaterThanOrEqual(10);
    expect(sandbox.count('visitor')).toBe(1);
    pass(10_000);
    await reply(broker(ask({ user: 'b' })));
  });

  it('those who are sent away are told to come back one by one', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 60 });
    await problem(broker(ask({ user: 'a' })));
    const waits = new Set<string | null>();
    for (let user = 0; user < 60; user++) {
      waits.add((await problem(broker(ask({ user: `u${user}` })))).retryAfter);
    }
    expect(waits.size).toBeGreaterThan(3);
  });

  it('a pause of years is asked about again after five minutes', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 999_999_999 }, { times: 1 });
    expect((await problem(broker(ask({ user: 'a' })))).retryAfter).toBe('86400');
    pass(299_000);
    await problem(broker(ask({ user: 'b' })));
    pass(2_000);
    await reply(broker(ask({ user: 'b' })));
  });

  it('many calls that are told the same open it once, and an early success does not close it', async () => {
    const events: BrokerEvent[] = [];
    const circuit = createCircuit((event) => events.push(event));
    const slow = gate();
    const earlier = circuit.run(caller(), () => slow.opened);
    const busy = Array.from({ length: 9 }, () =>
      circuit
        .run(caller(), async () => {
          throw new Response(null, { status: 429, headers: { 'Retry-After': '30' } });
        })
        .catch(() => undefined),
    );
    await Promise.all(busy);
    slow.open();
    await earlier;
    await expect(circuit.run(caller(), async () => 'through')).rejects.toMatchObject({
      code: 'rate_limited',
    });
    expect(events).toEqual([{ type: 'circuit-opened', untilMs: Date.now() + 30_000 }]);
  });

  it('calls that were under way when it opened do not make it longer', async () => {
    const events: BrokerEvent[] = [];
    const circuit = createCircuit((event) => events.push(event));
    const fail = gate();
    const calls = Array.from({ length: 50 }, () =>
      circuit
        .run(caller(), async () => {
          await fail.opened;
          throw new TypeError('cut');
        })
        .catch(() => undefined),
    );
    fail.open();
    await Promise.all(calls);
    expect(events).toHaveLength(1);
  });
});
