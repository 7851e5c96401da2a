// @vitest-environment node
// Against a real Redis; every test has a prefix of its own, so that it may be anybody's.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';
import { genesys, machine } from '../redis/machines.ts';
import { anyRedis, connect, hasRedis, type TestClient } from '../redis/redisServer.ts';

// Time passes for real here, and a busy machine is slow.
vi.setConfig({ testTimeout: 30_000 });

describe.skipIf(!hasRedis)('a pool in Redis', () => {
  let server: Awaited<ReturnType<typeof anyRedis>>;
  let redis: TestClient;
  let sandbox: SandboxCloud;
  let prefix: string;

  beforeAll(async () => {
    server = await anyRedis();
    redis = await connect(server.url);
  });
  afterAll(async () => {
    await redis.close();
    await server.close();
  });
  beforeEach(() => {
    sandbox = genesys();
    prefix = `${randomUUID()}:`;
  });

  const entries = async (): Promise<{ key: string; value: string }[]> => {
    const keys = await redis.keys(`${prefix}*`);
    return Promise.all(keys.map(async (key) => ({ key, value: (await redis.get(key)) ?? '' })));
  };

  /** Without the locks, which go a moment after the answer. */
  const tokens = async () => (await entries()).filter(({ key }) => !key.includes('lock:'));

  it('gives a visitor the same token on every machine', async () => {
    const [one, other] = [machine(sandbox, redis, { prefix }), machine(sandbox, redis, { prefix })];
    const first = await one.ask('ada');
    expect(first.token).toMatch(/^eyJ/);
    expect(await other.ask('ada')).toEqual(first);
    expect(sandbox.count('visitor')).toBe(1);
  });

  it('gives each visitor a token of their own', async () => {
    const one = machine(sandbox, redis, { prefix });
    const [ada, bob] = await Promise.all([one.ask('ada'), one.ask('bob')]);
    expect(ada.token).not.toBe(bob.token);
  });

  it('asks Genesys once for requests that reach two machines at the same time', async () => {
    sandbox.fault('visitor', { kind: 'slow', delayMs: 100 });
    const machines = [machine(sandbox, redis, { prefix }), machine(sandbox, redis, { prefix })];
    const visitors = Array.from({ length: 20 }, (_, index) => `visitor ${index}`);
    const answers = await Promise.all(
      visitors.flatMap((visitor) =>
        machines.flatMap(({ ask }) => [ask(visitor), ask(visitor), ask(visitor)]),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ token }) => token)).size).toBe(visitors.length);
    expect(sandbox.count('visitor')).toBe(visitors.length);
  });

  it('leaves no lock behind, whether Genesys answers or fails', async () => {
    const one = machine(sandbox, redis, { prefix });
    sandbox.fault('visitor', 'unavailable', { times: 1 });
    expect((await one.ask('ada')).status).toBe(503);
    await expect.poll(entries, { timeout: 20_000 }).toEqual([]);
    expect((await one.ask('ada')).status).toBe(200);
    await expect.poll(async () => (await entries()).length, { timeout: 20_000 }).toBe(1);
  });

  it('issues a new token on demand, and a moment later hands that one out on every machine', async () => {
    const [one, other] = [machine(sandbox, redis, { prefix }), machine(sandbox, redis, { prefix })];
    const first = await one.ask('ada');
    const fresh = await other.ask('ada', { fresh: true });
    expect(fresh.token).not.toBe(first.token);
    expect((await one.ask('ada')).token).toBe(fresh.token);
    expect((await one.ask('ada', { fresh: true })).token).toBe(fresh.token);
    expect(sandbox.count('visitor')).toBe(2);
  });

  it.each([
    [110, 'is not handed out'],
    [130, 'is handed out'],
  ])('a token that has %i s left of its hour %s', async (leftSeconds, what) => {
    const [one, other] = [machine(sandbox, redis, { prefix }), machine(sandbox, redis, { prefix })];
    const first = await one.ask('ada');
    const [{ key, value } = { key: '', value: '' }] = await tokens();
    // as if it had been issued long ago
    const agoMs = (3600 - leftSeconds) * 1000;
    const { issuedAtMs, expiresAtMs, ...rest } = JSON.parse(value);
    const aged = { issuedAtMs: issuedAtMs - agoMs, expiresAtMs: expiresAtMs - agoMs, ...rest };
    await redis.set(key, JSON.stringify(aged));
    const { token } = await other.ask('ada');
    expect(token === first.token ? 'is handed out' : 'is not handed out').toBe(what);
  });

  it('a key that holds something else costs that visitor a call, and nobody else anything', async () => {
    const [one, other] = [machine(sandbox, redis, { prefix }), machine(sandbox, redis, { prefix })];
    await one.ask('ada');
    const [{ key } = { key: '' }] = await tokens();
    await redis.del(key);
    await redis.lPush(key, 'something else');
    expect((await other.ask('ada')).status).toBe(200);
    const bob = await one.ask('bob');
    expect(await other.ask('bob')).toEqual(bob);
    expect(other.events.filter(({ type }) => type === 'pool-unavailable')).not.toEqual([]);
    // and the next token of that visitor is shared again
    expect((await one.ask('ada')).token).toBe((await other.ask('ada')).token);
  });

  it('lets tokens expire in Redis by themselves', async () => {
    await machine(sandbox, redis, { prefix }).ask('ada');
    await expect.poll(async () => (await entries()).length, { timeout: 20_000 }).toBe(1);
    const [{ key } = { key: '' }] = await entries();
    const leftMs = await redis.pTTL(key);
    expect(leftMs).toBeGreaterThan(3_500_000);
    expect(leftMs).toBeLessThanOrEqual(3_600_000);

    const brief = machine(genesys(1), redis, { prefix: `${prefix}brief:` });
    await brief.ask('bob');
    await expect.poll(() => redis.keys(`${prefix}brief:*`), { timeout: 20_000 }).toEqual([]);
  });

  it('forgets a visitor who signs out, on every machine', async () => {
    const [one, other] = [machine(sandbox, redis, { prefix }), machine(sandbox, redis, { prefix })];
    const first = await one.ask('ada');
    await other.broker.signOut({ externalId: 'ada' });
    await expect.poll(entries, { timeout: 20_000 }).toEqual([]);
    expect((await one.ask('ada')).token).not.toBe(first.token);
  });

  it('names no visitor in its keys', async () => {
    // no name that a hash could spell
    await machine(sandbox, redis, { prefix }).ask('zora@example.org');
    expect(JSON.stringify((await entries()).map(({ key }) => key))).not.toContain('zora');
  });

  it.each(['', 'not JSON', '{}', '{"reply":{"token":7}}', '[]', 'null'])(
    'takes %j in its place for no token at all',
    async (junk) => {
      const one = machine(sandbox, redis, { prefix });
      const first = await one.ask('ada');
      for (const { key } of await tokens()) await redis.set(key, junk);
      const second = await one.ask('ada');
      expect([second.status, second.token === first.token]).toEqual([200, false]);
    },
  );

  describe('with an encryption key', () => {
    const encryptionKey = 'a passphrase of more than 32 characters';

    it('shows neither a token nor a visitor to whoever reads Redis', async () => {
      const one = machine(sandbox, redis, { prefix, encryptionKey });
      const { token = 'none' } = await one.ask('zora');
      await expect.poll(async () => (await entries()).length, { timeout: 20_000 }).toBe(1);
      const dump = JSON.stringify(await entries());
      for (const secret of [token, token.split('.')[1] ?? token, 'zora', 'visitor-']) {
        expect(dump).not.toContain(secret);
        expect(dump).not.toContain(Buffer.from(secret).toString('base64url'));
      }
      // and the control: without a key it would be there
      const open = machine(sandbox, redis, { prefix: `${prefix}open:` });
      const shown = await open.ask('zora');
      expect(JSON.stringify(await entries())).toContain(shown.token);
    });

    it.each<[string, string | Uint8Array]>([
      ['a passphrase', encryptionKey],
      ['32 bytes', crypto.getRandomValues(new Uint8Array(32))],
    ])('of %s hands the same token out on every machine', async (_, key) => {
      const options = { prefix, encryptionKey: key };
      const first = await machine(sandbox, redis, options).ask('ada');
      expect(await machine(sandbox, redis, options).ask('ada')).toEqual(first);
    });

    it('gets a new token where the old one is of an unknown key, or not encrypted', async () => {
      const first = await machine(sandbox, redis, { prefix }).ask('ada');
      const second = await machine(sandbox, redis, { prefix, encryptionKey }).ask('ada');
      const other = 'another passphrase of 32+ characters';
      const third = await machine(sandbox, redis, { prefix, encryptionKey: other }).ask('ada');
      expect([first, second, third].map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(new Set([first.token, second.token, third.token]).size).toBe(3);
    });

    it('can be replaced: tokens of the older key go on, new ones are of the first', async () => {
      const newer = 'another passphrase of 32+ characters';
      const first = await machine(sandbox, redis, { prefix, encryptionKey }).ask('ada');
      const both = machine(sandbox, redis, { prefix, encryptionKey: [newer, encryptionKey] });
      expect(await both.ask('ada')).toEqual(first);
      const bob = await both.ask('bob');
      const later = machine(sandbox, redis, { prefix, encryptionKey: newer });
      expect(await later.ask('bob')).toEqual(bob);
    });

    it.each([undefined, encryptionKey])(
      'or without (%s) a token that was moved to another visitor is none',
      async (key) => {
        const options = { prefix, encryptionKey: key };
        const ada = await machine(sandbox, redis, options).ask('ada');
        const [adas] = await tokens();
        const bob = await machine(sandbox, redis, options).ask('bob');
        const bobs = (await tokens()).find(({ key: name }) => name !== adas?.key);
        await redis.set(bobs?.key ?? '', adas?.value ?? '');
        const { token } = await machine(sandbox, redis, options).ask('bob');
        expect([ada.token, bob.token]).not.toContain(token);
      },
    );
  });

  it.each([
    'short',
    new Uint8Array(31),
    new Uint8Array(33),
    [],
    ['a passphrase of more than 32 characters', ''],
  ])('refuses the encryption key %j and names the option', (encryptionKey) => {
    expect(() => redisTokenPool(redis, { encryptionKey })).toThrow(/encryptionKey/);
  });
});
