// What a visitor costs in Redis: the encrypted token, and for a minute the counts of the limits.
import { createClient } from 'redis';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { startRedis } from '../redis/redisServer.ts';

export interface RedisBytes {
  readonly visitors: number;
  /** Bytes a visitor, while their requests are counted. */
  readonly withLimits: number;
  /** Bytes a visitor after that. */
  readonly withoutLimits: number;
}

/** Of a Redis of its own, with so many visitors. */
export async function redisBytesPerVisitor(visitors: number): Promise<RedisBytes> {
  const server = await startRedis();
  try {
    return {
      visitors,
      withLimits: await measure(server.url, visitors, true),
      withoutLimits: await measure(server.url, visitors, false),
    };
  } finally {
    await server.close();
  }
}

async function measure(url: string, visitors: number, isLimited: boolean): Promise<number> {
  const redis = await createClient({ url }).connect();
  await redis.flushAll();
  const broker = createGuestTokenBroker({
    issuer: {
      issue: async ({ externalId }) => ({
        id: crypto.randomUUID(),
        token: fakeGuestToken({ sub: externalId, jti: crypto.randomUUID(), lifeSeconds: 3600 }),
        created_time: new Date().toISOString(),
        state: 'active',
        external_id: externalId,
        channel_id: 'webchat-default',
      }),
    },
    authorize: async ({ headers }) => ({ externalId: headers.get('X-Visitor') ?? '' }),
    pool: redisTokenPool(redis, { encryptionKey: 'a long and secret text, 32+ bytes' }),
    limits: {
      upstream: Number.POSITIVE_INFINITY,
      ...(isLimited && { redis, perVisitor: 60, perIp: 600, trustedProxies: 1 }),
    },
  });
  const before = await usedBytes(redis);
  for (let visitor = 0; visitor < visitors; visitor++) {
    const headers = {
      'Content-Type': 'application/json',
      'X-Visitor': crypto.randomUUID(),
      'X-Forwarded-For': `10.${visitor >> 16}.${(visitor >> 8) & 255}.${visitor & 255}`,
    };
    const response = await broker(
      new Request('http://127.0.0.1/', { method: 'POST', headers, body: '{}' }),
    );
    if (response.status !== 200) throw new Error(`visitor ${visitor} got ${response.status}`);
  }
  const bytes = ((await usedBytes(redis)) - before) / visitors;
  await redis.close();
  return bytes;
}

async function usedBytes(redis: { info(section: string): Promise<string> }): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}
