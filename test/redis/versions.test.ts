// @vitest-environment node
// Each major version of the package redis that is a peer: the oldest release of it.
import { randomUUID } from 'node:crypto';
import { createClient as createClient6 } from 'redis';
import { createClient as createClient4 } from 'redis-4';
import { createClient as createClient5 } from 'redis-5';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import type { RedisClient } from '../../src/server/pool/redisTokenPool.ts';
import { genesys, machine } from './machines.ts';
import { canStartRedis, type RedisServer, startRedis } from './redisServer.ts';

// Redis starts for real, and a busy machine is slow.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

interface Connection {
  readonly client: RedisClient;
  close(): Promise<unknown>;
}

const versions: Record<string, (url: string) => Promise<Connection>> = {
  async 4(url) {
    const client = createClient4({ url });
    client.on('error', () => undefined);
    await client.connect();
    return { client, close: () => client.disconnect() };
  },
  async 5(url) {
    const client = createClient5({ url });
    client.on('error', () => undefined);
    await client.connect();
    return { client, close: async () => client.destroy() };
  },
  async 6(url) {
    const client = createClient6({ url });
    client.on('error', () => undefined);
    await client.connect();
    return { client, close: async () => client.destroy() };
  },
};

it('the versions of redis that are tested are those of the peer', () => {
  const majors = Object.keys(versions);
  expect(manifest.peerDependencies.redis).toBe(majors.map((major) => `^${major}.0.0`).join(' || '));
});

describe.skipIf(!canStartRedis).each(Object.entries(versions))('with redis %s', (_, connect) => {
  let server: RedisServer;
  let redis: Connection;

  beforeAll(async () => {
    server = await startRedis();
    redis = await connect(server.url);
  });
  afterAll(async () => {
    await redis.close();
    await server.close();
  });

  it('two machines share a token, and forget it when the visitor signs out', async () => {
    const sandbox = genesys();
    const options = { encryptionKey: 'a passphrase of 32 characters or more' };
    const machines = [1, 2].map(() => machine(sandbox, redis.client, options));
    const externalId = randomUUID();
    const tokens = await Promise.all(machines.map((one) => one.ask(externalId)));
    expect(tokens[0]?.status).toBe(200);
    expect(tokens[1]?.token).toBe(tokens[0]?.token);
    expect(sandbox.count('visitor')).toBe(1);
    await machines[0]?.broker.signOut({ externalId });
    const next = await machines[1]?.ask(externalId);
    expect(next?.status).toBe(200);
    expect(next?.token).not.toBe(tokens[0]?.token);
  });

  it('two machines count a limit together', async () => {
    const sandbox = genesys();
    const limits = { redis: redis.client, perVisitor: 1 };
    const machines = [1, 2].map(() => machine(sandbox, redis.client, { limits }));
    const externalId = randomUUID();
    expect((await machines[0]?.ask(externalId))?.status).toBe(200);
    expect((await machines[1]?.ask(externalId))?.status).toBe(429);
  });

  it('a visitor is served while Redis is away', async () => {
    const { ask, events } = machine(genesys(), redis.client, {});
    await server.kill();
    expect((await ask(randomUUID())).status).toBe(200);
    expect(events.map(({ type }) => type)).toContain('pool-unavailable');
  });
});
