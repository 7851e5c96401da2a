// @vitest-environment node
// Machines on one Redis, hours in a moment: locks, sign-outs and outages.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GuestTokenIssuer } from '../../src/server/issuers/issuer.ts';
import {
  type RedisTokenPoolOptions,
  redisTokenPool,
} from '../../src/server/pool/redisTokenPool.ts';
import { fakeClocks, setClockBack } from './limits/clock.ts';
import { type PlayedClient, playRedis } from './playedRedis.ts';
import { ask, gate, openShop, reply, type Shop } from './shop.ts';

let connect: () => PlayedClient;
beforeEach(() => {
  fakeClocks();
  connect = playRedis();
});
afterEach(() => vi.useRealTimers());

const KEY = 'k'.repeat(64);

/** Lets what is under way go on, with `seconds` of fake time in it. */
async function pass(seconds: number): Promise<void> {
  for (let step = 0; step <= seconds * 20; step++) {
    if (step > 0) vi.advanceTimersByTime(50);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Machine extends Shop {
  readonly client: PlayedClient;
  token(user?: string): Promise<string>;
}

let issued = 0;

function machine(
  issuer: Partial<GuestTokenIssuer> = {},
  options: RedisTokenPoolOptions = {},
): Machine {
  const client = connect();
  const shop = openShop({
    pool: redisTokenPool(client, options),
    issuer: {
      issue: async () => ({ id: '1', token: `t${issued++}`, expires_in: 86_400 }),
      ...issuer,
    },
  });
  return {
    ...shop,
    client,
    token: async (user = 'ada') => (await reply(shop.broker(ask({ user })))).token,
  };
}

describe("a machine that holds a visitor's lock", () => {
  it('and is killed holds up the others for less than four seconds', async () => {
    const [killed, other] = [connect(), connect()];
    const lost = redisTokenPool(killed).exclusively?.(KEY, () => new Promise(() => undefined));
    lost?.catch(() => undefined);
    await pass(0);
    killed.state = 'hangs';
    let hasBegun = false;
    void redisTokenPool(other).exclusively?.(KEY, async () => {
      hasBegun = true;
    });
    await pass(1);
    expect(hasBegun).toBe(false);
    await pass(3);
    expect(hasBegun).toBe(true);
  });

  it('and works for long keeps it', async () => {
    const done = gate();
    const busy = redisTokenPool(connect()).exclusively?.(KEY, () => done.opened);
    await pass(0);
    let hasBegun = false;
    const waiting = redisTokenPool(connect()).exclusively?.(KEY, async () => {
      hasBegun = true;
    });
    await pass(9);
    expect(hasBegun).toBe(false);
    done.open();
    await busy;
    await pass(1);
    await waiting;
    expect(hasBegun).toBe(true);
  });
});

describe('a sign-out on one machine', () => {
  it('waits for the token that another one is issuing, so that nobody gets that later', async () => {
    const asked = gate();
    const answerNow = gate();
    const busy = machine({
      async issue() {
        asked.open();
        await answerNow.opened;
        return { id: '1', token: `late${issued++}`, expires_in: 86_400 };
      },
    });
    const here = machine();
    const late = busy.token();
    await asked.opened;
    let isSignedOut = false;
    const signedOut = here.broker.signOut({ externalId: 'ada' }).then(() => {
      isSignedOut = true;
    });
    await pass(2);
    expect(isSignedOut).toBe(false);
    answerNow.open();
    await pass(1);
    await signedOut;
    expect(await here.token()).not.toBe(await late);
  });

  it('rejects while Redis hangs, after it has revoked and forgotten what it could', async () => {
    const revoked: string[] = [];
    const here = machine({ revoke: async ({ token }) => void revoked.push(token) });
    const first = await here.token();
    here.client.state = 'hangs';
    const signedOut = here.broker.signOut({ externalId: 'ada' });
    const refused = expect(signedOut).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'pool_unavailable',
    });
    await pass(3);
    await refused;
    const again = here.token();
    await pass(2);
    expect(await again).not.toBe(first);
  });

  it('is heard of by the others within five minutes, also when Redis goes away at once', async () => {
    const [here, there] = [machine(), machine()];
    const first = await there.token();
    await here.broker.signOut({ externalId: 'ada' });
    there.client.state = 'lost';
    await pass(300);
    expect(await there.token()).not.toBe(first);
  });
});

describe('while Redis is away', () => {
  it('a machine serves what it has read from there, and not only what it has written', async () => {
    const [here, there] = [machine(), machine()];
    const token = await here.token();
    expect(await there.token()).toBe(token);
    there.client.state = 'lost';
    expect(await there.token('bob')).not.toBe(token);
    expect(await there.token()).toBe(token);
  });

  it('a refresh token is not lost after five minutes: it renews the token that is not trusted any more', async () => {
    const here = machine({
      issue: async () => ({ id: '1', token: 'issued', expires_in: 900, refresh_token: 'r' }),
      refresh: async () => ({ id: '1', token: 'refreshed', expires_in: 900 }),
    });
    await here.token();
    here.client.state = 'lost';
    expect(await here.token()).toBe('issued');
    await pass(300);
    expect(await here.token()).toBe('refreshed');
  });

  it('a clock that is turned back by an hour does not keep it from being asked again', async () => {
    const here = machine();
    here.client.state = 'lost';
    await here.token();
    setClockBack(3_600_000);
    await pass(2);
    here.client.state = 'connected';
    const before = here.client.sent;
    await here.token();
    expect(here.client.sent).toBeGreaterThan(before);
  });
});

describe('machines with different encryption keys', () => {
  it('say so in an event once a minute, and each hands out tokens', async () => {
    const [here, there] = ['a', 'b'].map((letter) =>
      machine({}, { encryptionKey: letter.repeat(32) }),
    );
    if (!here || !there) throw new Error('There are two machines.');
    for (const user of ['ada', 'bob', 'eve']) await here.token(user);
    for (const user of ['ada', 'bob', 'eve']) expect(await there.token(user)).toMatch(/^t/);
    expect(there.count('pool-unreadable')).toBe(1);
    expect(there.count('pool-unavailable')).toBe(0);
    await pass(60);
    await here.token('late');
    await there.token('late');
    expect(there.count('pool-unreadable')).toBe(2);
  });
});
