// @vitest-environment node
// Machines that count together.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
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
    const keys = await redis.keys(`${prefix}visitor:*`);
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

  it('machines make no more calls together than the limit in a minute, and each that fits at once', async () => {
    const sandbox = genesys();
    const limits = { redis, upstream: 60 };
    const prefix = `${randomUUID()}:`;
    const machines: Machine[] = Array.from({ length: 4 }, () =>
      machine(sandbox, redis, { limits, prefix }),
    );
    // A login for each machine.
    const first = await Promise.all(machines.map((one) => one.ask(randomUUID())));
    expect(first.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, index) => machines[index % 4]?.ask(randomUUID())),
    );
    const served = answers.filter((answer) => answer?.status === 200);
    const refused = answers.filter((answer) => answer?.status === 429);
    expect(served.length).toBe(60 - sandbox.count('login') - 4);
    expect(refused.length).toBe(120 - served.length);
    expect(refused.every((answer) => (answer?.retryAfterSeconds ?? 0) > 2)).toBe(true);
    expect(sandbox.count()).toBe(60);
  });

  it('a call is forgotten a minute after its end, and that of a machine which died 10 s later', async () => {
    const sandbox = genesys();
    const prefix = `${randomUUID()}:`;
    const limits = { redis, upstream: 3 };
    const [one, other] = [
      machine(sandbox, redis, { limits, prefix }),
      machine(sandbox, redis, { limits, prefix }),
    ];
    expect((await one.ask(randomUUID())).status).toBe(200);
    const [key = ''] = await redis.keys(`${prefix}upstream:*}`);
    // An hour from now: as it looks when the clock of Redis is set back by that.
    const calls = await redis.zRangeWithScores(key, 0, -1);
    for (const { value, score } of calls)
      await redis.zAdd(key, { value, score: score + 3_600_000 });
    await redis.zAdd(key, { value: 'of a machine that died', score: Date.now() + 10_000 });
    const refused = await other.ask(randomUUID());
    expect(refused.status).toBe(429);
    expect(refused.retryAfterSeconds).toBeLessThanOrEqual(62);
    for (const { score } of await redis.zRangeWithScores(key, 0, -1)) {
      expect(score).toBeLessThanOrEqual(Date.now() + 10_000);
    }
    // A minute later.
    for (const { value, score } of await redis.zRangeWithScores(key, 0, -1)) {
      await redis.zAdd(key, { value, score: score - 61_000 });
    }
    expect((await other.ask(randomUUID())).status).toBe(200);
  });

  it('a machine that was quiet for half an hour keeps its share for when Redis goes away', async () => {
    let isAway = false;
    const lossy = {
      async eval(...args: Parameters<TestClient['eval']>): Promise<unknown> {
        if (isAway) throw new Error('Redis is away.');
        return redis.eval(...args);
      },
    };
    const prefix = `${randomUUID()}:`;
    const limits = { redis: lossy, upstream: 20 };
    const sandbox = genesys();
    const one = machine(sandbox, redis, { limits, prefix });
    const quiet = machine(sandbox, redis, { limits, prefix });
    await quiet.ask(randomUUID()); // login, visitor
    const [key = ''] = await redis.keys(`${prefix}upstream:*:machines`);
    for (const { value, score } of await redis.zRangeWithScores(key, 0, -1)) {
      await redis.zAdd(key, { value, score: score - 1_800_000 });
    }
    await one.ask(randomUUID()); // login, visitor
    isAway = true;
    const answers = await Promise.all(Array.from({ length: 20 }, () => one.ask(randomUUID())));
    expect(answers.filter(({ status }) => status === 200).length).toBe(10 - 2);
  });

  it('organisations on one Redis have a pace of their own', async () => {
    const prefix = `${randomUUID()}:`;
    const limits = { redis, upstream: 2 };
    const shops = ['north', 'south'].map((clientId) => {
      return machine(createSandboxCloud({ clientId }), redis, { limits, prefix });
    });
    for (const shop of shops) expect((await shop.ask(randomUUID())).status).toBe(200);
    for (const shop of shops) expect((await shop.ask(randomUUID())).status).toBe(429);
  });
});
