// @vitest-environment node
// Code of the site's own that never answers: each request ends in time, and nobody is locked out.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { memoryTokenPool } from '../../src/server/pool/memoryTokenPool.ts';
import type { TokenPool } from '../../src/server/pool/tokenPool.ts';
import { fakeClocks } from './limits/clock.ts';
import { ask, authorize, openShop, problem, reply } from './shop.ts';

beforeEach(() => fakeClocks());
afterEach(() => vi.useRealTimers());

const never = new Promise<never>(() => undefined);

/** Lets fake time pass until the answer is there, with room between for real work such as hashing. */
async function within<Answer>(seconds: number, answer: Promise<Answer>): Promise<Answer> {
  let isThere = false;
  const noticed = answer.finally(() => {
    isThere = true;
  });
  noticed.catch(() => undefined);
  const giveUpAt = process.hrtime.bigint() + 20_000_000_000n;
  for (let half = 0; half <= seconds * 2; ) {
    for (let turn = 0; turn < 200 && !isThere; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (isThere) return noticed;
    if (process.hrtime.bigint() > giveUpAt) break;
    // Without a timer nobody waits for time to pass.
    if (vi.getTimerCount() === 0) continue;
    vi.advanceTimersByTime(500);
    half++;
  }
  throw new Error(`There was no answer within ${seconds} s.`);
}

describe('an authorize that hangs', () => {
  it('is given up before the client gives up, and says which function it was', async () => {
    let hangs = true;
    const shop = openShop({ authorize: (request) => (hangs ? never : authorize(request)) });
    const refused = await within(9, problem(shop.broker(ask())));
    expect(refused).toMatchObject({ status: 504, code: 'timed_out', reason: 'authorize_failed' });
    expect(refused.detail).toContain('authorize');
    hangs = false;
    await within(5, reply(shop.broker(ask())));
  });
});

describe('a pool of your own of which one function hangs', () => {
  const names = ['get', 'set', 'exclusively'] as const;
  it.each(names)('(%s) costs time and an event, and no token', async (name) => {
    const pool: TokenPool = { ...memoryTokenPool(), [name]: () => never };
    const shop = openShop({ pool });
    const { token } = await within(15, reply(shop.broker(ask())));
    expect(token).toMatch(/^eyJ/);
    expect(shop.count('pool-unavailable')).toBeGreaterThan(0);
    await within(15, reply(shop.broker(ask())));
  });

  it('(exclusively, after the work is done) costs nothing at all', async () => {
    const pool: TokenPool = {
      ...memoryTokenPool(),
      async exclusively(_key, work) {
        await work();
        return never;
      },
    };
    const shop = openShop({ pool });
    await within(5, reply(shop.broker(ask())));
    expect(shop.count('pool-unavailable')).toBe(0);
  });

  it('(exclusively) that throws, or forgets the work, is done without', async () => {
    const broken: TokenPool['exclusively'][] = [
      () => Promise.reject(new Error('no lock')),
      () => never.catch(() => never),
      async () => undefined as never,
    ];
    for (const exclusively of broken) {
      const shop = openShop({
        pool: { ...memoryTokenPool(), ...(exclusively && { exclusively }) },
      });
      await within(15, reply(shop.broker(ask())));
      expect(shop.count('pool-unavailable')).toBe(1);
    }
  });

  it('(delete) makes the sign-out fail, after all else was done', async () => {
    const pool: TokenPool = { ...memoryTokenPool(), delete: () => never };
    const revoked: string[] = [];
    const shop = openShop({
      pool,
      issuer: {
        issue: async () => ({ id: '1', token: 't', expires_in: 900 }),
        revoke: async ({ token }) => void revoked.push(token),
      },
    });
    await within(5, reply(shop.broker(ask())));
    const signedOut = within(15, shop.broker.signOut({ externalId: 'ada' }));
    await expect(signedOut).rejects.toMatchObject({ code: 'unavailable' });
    expect(revoked).toEqual(['t']);
  });
});

describe('an accessToken of yours that hangs', () => {
  it.each([false, true])(
    'locks nobody out when it answers again (asked for another: %s)',
    async (hangsOnRefused) => {
      const cloud = createSandboxCloud();
      let hangs = true;
      let token = 'old';
      const login = async (): Promise<string> => {
        const answer = await cloud.fetch(`${cloud.loginUrl}/oauth/token`, {
          method: 'POST',
          headers: { Authorization: `Basic ${btoa('sandbox-client:sandbox-secret')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
        });
        return (await answer.json()).access_token;
      };
      const issuer = webchatVisitors({
        fetch: cloud.fetch,
        async accessToken({ refused }) {
          if (hangs && refused === hangsOnRefused) return never;
          if (refused) token = await login();
          return token;
        },
      });
      const shop = openShop({ issuer });
      expect(await within(10, problem(shop.broker(ask())))).toMatchObject({ status: 504 });
      hangs = false;
      await within(5, reply(shop.broker(ask())));
    },
  );
});
