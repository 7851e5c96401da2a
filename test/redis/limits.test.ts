// @vitest-environment node
// Machines that count together.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { genesys, type Machine, machine } from './machines.ts';
import { anyRedis, connect, hasRedis, type TestClient } from './redisServer.ts';

// Time passes for real here, and a busy machine is slow.
vi.setConfig({ testTimeout: 30_000 });

describe.skipIf(!hasRedis)('with limits in Redis', () => {
  let server: Awaited<ReturnType<typeof anyRedis>>;
  let redis: TestClient;

  beforeAll(async () => {
    server = await anyRedis();
    redis = await connect(server.url);
  });
  afterAll(async () => {
    await redis.close();
    await server.close();
  });

  it('a visitor has no more requests for asking several machines', async () => {
    const sandbox = genesys();
    const limits = { redis, perVisitor: 3 };
    const machines = [machine(sandbox, redis, { limits }), machine(sandbox, redis, { limits })];
    const visitor = randomUUID();
    const statuses: number[] = [];
    for (let index = 0; index < 5; index++) {
      const { status = 0 } = (await machines[index % 2]?.ask(visitor)) ?? {};
      statuses.push(status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const refused = await machines[0]?.ask(visitor);
    expect(refused?.retryAfterSeconds).toBeGreaterThan(0);
    expect(refused?.retryAfterSeconds).toBeLessThanOrEqual(60);
    expect((await machines[1]?.ask(randomUUID()))?.status).toBe(200);
  });

  it('organisations with a prefix of their own count apart', async () => {
    const sandbox = genesys();
    const shops = ['north:', 'south:'].map((prefix) => {
      return machine(sandbox, redis, { limits: { redis, perVisitor: 1, prefix }, prefix });
    });
    const visitor = randomUUID();
    const statuses: (number | undefined)[] = [];
    for (const shop of [...shops, ...shops]) statuses.push((await shop.ask(visitor)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  it('a visitor is kept out for a minute at most when the clock of Redis is set back', async () => {
    const visitor = randomUUID();
    const prefix = `${randomUUID()}:`;
    const shop = machine(genesys(), redis, { limits: { redis, perVisitor: 1, prefix } });
    await shop.ask(visitor);
    // As it looks an hour earlier: all that expires does so an hour later.
    const keys = await redis.keys(`${prefix}*`);
    for (const key of keys) await redis.pExpire(key, 3_660_000);
    const { status, retryAfterSeconds } = await shop.ask(visitor);
    expect(status).toBe(429);
    expect(retryAfterSeconds).toBeLessThanOrEqual(60);
    for (const key of keys) expect(await redis.pTTL(key)).toBeLessThanOrEqual(60_000);
  });

  it('no key in Redis names a visitor', async () => {
    const visitor = randomUUID();
    await machine(genesys(), redis, { limits: { redis, perVisitor: 3 } }).ask(visitor);
    const keys = await redis.keys('*');
    expect(keys.filter((key) => key.includes('visitor:'))).not.toEqual([]);
    expect(keys.filter((key) => key.includes(visitor))).toEqual([]);
  });

  it('new visitors on several machines stay below the rate of one organisation', async () => {
    const sandbox = genesys();
    const limits = { redis, upstream: 300 };
    const prefix = `${randomUUID()}:`;
    const machines: Machine[] = Array.from({ length: 4 }, () =>
      machine(sandbox, redis, { limits, prefix }),
    );
    const startedAtMs = Date.now();
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, index) => machines[index % 4]?.ask(`visitor ${index}`)),
    );
    const elapsedMs = Date.now() - startedAtMs;
    const served = answers.filter((answer) => answer?.status === 200);
    const refused = answers.filter((answer) => answer?.status === 429);
    expect(served.length + refused.length).toBe(120);
    expect(refused.every((answer) => (answer?.retryAfterSeconds ?? 0) > 0)).toBe(true);
    // 5 a second is 300 a minute, given out in windows of 2 s
    const windows = Math.ceil(elapsedMs / 2000) + 1;
    expect(served.length).toBeGreaterThan(0);
    expect(sandbox.count('visitor')).toBeLessThanOrEqual(windows * 10);
    expect(sandbox.count('visitor')).toBe(served.length);
  });
});
