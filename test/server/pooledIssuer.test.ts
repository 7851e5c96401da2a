// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GuestTokenIssuer } from '../../src/server/issuers/issuer.ts';
import { memoryTokenPool } from '../../src/server/pool/memoryTokenPool.ts';
import type { PooledToken, TokenPool } from '../../src/server/pool/tokenPool.ts';
import { nowMs } from '../../src/server/serverClock.ts';
import { fakeClocks } from './limits/clock.ts';
import { type Ask, ask, gate, openShop, problem, reply, type Shop } from './shop.ts';

beforeEach(() => fakeClocks({ timers: false }));
afterEach(() => vi.useRealTimers());

const pass = (seconds: number): unknown => vi.setSystemTime(Date.now() + seconds * 1000);
const NO_CACHE = { headers: { 'Cache-Control': 'no-cache' } };

async function tokenOf(shop: Shop, what: Ask = {}): Promise<string> {
  return (await reply(shop.broker(ask(what)))).token;
}

describe('handing out again', () => {
  it('a visitor who comes back gets the same token, and Genesys hears nothing of it', async () => {
    const shop = openShop();
    const first = await tokenOf(shop);
    pass(600);
    expect(await tokenOf(shop)).toBe(first);
    expect(shop.sandbox.count('visitor')).toBe(1);
  });

  it('while more than two minutes of life are left', async () => {
    const shop = openShop({}, { tokenLifeSeconds: 3600 });
    const first = await tokenOf(shop);
    pass(3600 - 121);
    expect(await tokenOf(shop)).toBe(first);
    pass(1);
    expect(await tokenOf(shop)).not.toBe(first);
  });

  it.each([
    [300, 60],
    [60, 12],
    [10, 2],
  ])('of a token of %i s, a fifth of its life: more than %i s', async (life, minimum) => {
    const shop = openShop({}, { tokenLifeSeconds: life });
    const first = await tokenOf(shop);
    pass(life - minimum - 1);
    expect(await tokenOf(shop)).toBe(first);
    pass(1);
    expect(await tokenOf(shop)).not.toBe(first);
  });

  it('1,000 requests of one visitor at once share one call', async () => {
    const asked = gate();
    const shop = openShop({}, {}, (sandbox) => async (...call) => {
      await asked.opened;
      return sandbox.fetch(...call);
    });
    const answers = Array.from({ length: 1_000 }, () => tokenOf(shop));
    asked.open();
    expect(new Set(await Promise.all(answers)).size).toBe(1);
    expect(shop.sandbox.count('visitor')).toBe(1);
    expect([shop.count('issued'), shop.count('pooled')]).toEqual([1, 999]);
  });

  it('a call that fails is one failure for all who share it, and is not kept', async () => {
    const shop = openShop();
    shop.sandbox.fault('visitor', 'unavailable', { times: 1 });
    const asked = Array.from({ length: 3 }, () => shop.broker(ask()));
    const codes = await Promise.all(asked.map(async (answer) => (await answer).status));
    expect(codes).toContain(503);
    await tokenOf(shop);
  });
});

describe('Cache-Control: no-cache', () => {
  it('issues a new token, which then is the one of the pool', async () => {
    const shop = openShop();
    const first = await tokenOf(shop);
    pass(60);
    const second = await tokenOf(shop, NO_CACHE);
    expect(second).not.toBe(first);
    expect(await tokenOf(shop)).toBe(second);
  });

  it('also right after the first token, which may have been refused', async () => {
    const shop = openShop();
    const first = await tokenOf(shop);
    expect(await tokenOf(shop, NO_CACHE)).not.toBe(first);
  });

  it('at most once per visitor in 10 s', async () => {
    const shop = openShop();
    await tokenOf(shop);
    const second = await tokenOf(shop, NO_CACHE);
    for (const seconds of [0, 5, 4.9]) {
      pass(seconds);
      expect(await tokenOf(shop, NO_CACHE)).toBe(second);
    }
    await tokenOf(shop, { user: 'bob', ...NO_CACHE });
    pass(0.1);
    expect(await tokenOf(shop, NO_CACHE)).not.toBe(second);
    expect(shop.sandbox.count('visitor')).toBe(4);
  });

  it('of tokens of 10 s, once in half of their life', async () => {
    const shop = openShop({}, { tokenLifeSeconds: 10 });
    const first = await tokenOf(shop, NO_CACHE);
    pass(4.9);
    expect(await tokenOf(shop, NO_CACHE)).toBe(first);
    pass(0.1);
    expect(await tokenOf(shop, NO_CACHE)).not.toBe(first);
  });

  it('100 at once share one call', async () => {
    const shop = openShop();
    await tokenOf(shop);
    await Promise.all(Array.from({ length: 100 }, () => tokenOf(shop, NO_CACHE)));
    expect(shop.sandbox.count('visitor')).toBe(2);
  });

  it.each([
    ['no-cache', true],
    ['max-age=0, No-Cache', true],
    ['no-store', false],
    ['x-no-cachet', false],
    ['', false],
  ])('%j: %s', async (value, isFresh) => {
    const shop = openShop();
    await tokenOf(shop);
    await tokenOf(shop, { headers: { 'Cache-Control': value } });
    expect(shop.sandbox.count('visitor')).toBe(isFresh ? 2 : 1);
  });
});

describe('the memory of a pool', () => {
  it('is bounded: the least recently used visitor goes first', async () => {
    const shop = openShop({ pool: memoryTokenPool({ max: 3 }) });
    for (const user of ['a', 'b', 'c', 'a', 'd']) await tokenOf(shop, { user });
    const before = shop.sandbox.count('visitor');
    for (const user of ['a', 'c', 'd']) await tokenOf(shop, { user });
    expect(shop.sandbox.count('visitor')).toBe(before);
    await tokenOf(shop, { user: 'b' });
    expect(shop.sandbox.count('visitor')).toBe(before + 1);
  });

  it('is bounded by default, to ten thousand', async () => {
    const pool = memoryTokenPool();
    const token: PooledToken = {
      reply: { id: '1', token: 't' },
      issuedAtMs: nowMs(),
      expiresAtMs: nowMs() + 1000,
      keepUntilMs: nowMs() + 1000,
      byRequest: false,
    };
    for (let visitor = 0; visitor <= 10_000; visitor++) await pool.set(`v${visitor}`, token);
    expect(await pool.get('v0')).toBeUndefined();
    expect(await pool.get('v1')).toBe(token);
    pass(1);
    expect(await pool.get('v1')).toBeUndefined();
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('of %s is refused', (max) => {
    expect(() => memoryTokenPool({ max })).toThrow('Option "max"');
  });
});

describe('a pool of your own', () => {
  it('gets no id to read, and no two visitors the same key', async () => {
    const keys: string[] = [];
    const kept = memoryTokenPool();
    const pool: TokenPool = {
      ...kept,
      get: (key) => kept.get(key),
      set: (key) => void keys.push(key),
    };
    const shop = openShop({ pool });
    for (const user of ['ada', '["webchat-default","ada"]', 'a\u0000da'])
      await tokenOf(shop, { user });
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^[\da-f]{64}$/);
  });

  it('that fails costs no visitor the token, and operators hear of it', async () => {
    const fail = (): never => {
      throw new Error('out of reach');
    };
    const shop = openShop({ pool: { get: fail, set: fail, delete: fail } });
    const first = await tokenOf(shop);
    expect(await tokenOf(shop)).not.toBe(first);
    expect(shop.count('pool-unavailable')).toBeGreaterThan(0);
    expect(shop.events).toContainEqual({ type: 'pool-unavailable', thrown: 'Error' });
    expect(shop.count('failed')).toBe(0);
  });

  it('that several machines share runs one call among them, and counts what it hands out', async () => {
    const shared = memoryTokenPool();
    let busy = Promise.resolve<unknown>(undefined);
    const pool: TokenPool = {
      ...shared,
      exclusively(_key, work) {
        const next = busy.then(work, work);
        busy = next;
        return next;
      },
    };
    let serial = 0;
    const issuer: GuestTokenIssuer = {
      issue: async ({ externalId }) => ({ id: externalId, token: `t${serial++}`, expires_in: 900 }),
    };
    const machines = [openShop({ pool, issuer }), openShop({ pool, issuer })];
    const tokens = await Promise.all(machines.map((machine) => tokenOf(machine)));
    expect(tokens).toEqual(['t0', 't0']);
    const counts = machines.map(({ count }) => count('issued') + count('pooled'));
    expect(counts).toEqual([1, 1]);
  });
});

describe('signing out', () => {
  it('while a token is on its way leaves none behind', async () => {
    const asked = gate();
    const answerNow = gate();
    const revoked: string[] = [];
    const issuer: GuestTokenIssuer = {
      async issue() {
        asked.open();
        await answerNow.opened;
        return { id: '1', token: `t${revoked.length}`, expires_in: 900 };
      },
      revoke: async ({ token }) => void revoked.push(token),
    };
    const shop = openShop({ issuer });
    const late = tokenOf(shop);
    await asked.opened;
    const signedOut = shop.broker.signOut({ externalId: 'ada' });
    // more than it would need if it did not wait
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
    answerNow.open();
    await Promise.all([late, signedOut]);
    expect(revoked).toEqual(['t0']);
    expect(await tokenOf(shop)).toBe('t1');
  });

  it('without a revoke of the issuer just forgets', async () => {
    const shop = openShop();
    const first = await tokenOf(shop);
    await shop.broker.signOut({ externalId: 'ada' });
    expect(await tokenOf(shop)).not.toBe(first);
  });
});

it('a refresh token without a sensible life is kept for a day', async () => {
  const refreshed: string[] = [];
  const issuer: GuestTokenIssuer = {
    issue: async () => ({
      id: '1',
      token: 't',
      expires_in: 900,
      refresh_token: 'r',
      refresh_expires_in: Number.NaN,
    }),
    async refresh({ token }) {
      refreshed.push(token);
      return { id: '1', token: 'renewed', expires_in: 900 };
    },
  };
  const shop = openShop({ issuer });
  await tokenOf(shop);
  pass(86_399);
  expect(await tokenOf(shop)).toBe('renewed');
  pass(86_401);
  expect(await tokenOf(shop)).toBe('t');
  expect(refreshed).toEqual(['t']);
});

it('a refresh that fails for no reason of its own does not lead to a new sign-in', async () => {
  let issues = 0;
  const issuer: GuestTokenIssuer = {
    async issue() {
      issues++;
      return { id: '1', token: 't', expires_in: 900, refresh_token: 'r' };
    },
    async refresh() {
      throw new Response(null, { status: 503 });
    },
  };
  const shop = openShop({ issuer });
  await tokenOf(shop);
  pass(900);
  expect(await problem(shop.broker(ask()))).toMatchObject({ code: 'unavailable' });
  expect(issues).toBe(1);
});
