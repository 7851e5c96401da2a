import type { RedisClient } from '../../src/server/pool/redisTokenPool.ts';
import type { TestClient } from '../redis/redisServer.ts';

/** `down`: refuses at once, and has forgotten everything when it is back. `hanging`: never answers. */
type RedisHealth = 'up' | 'down' | 'hanging';

export interface VirtualRedis extends RedisClient {
  readonly isReady: boolean;
  /** Commands that Redis has not answered yet. */
  readonly pending: number;
  become(health: RedisHealth): Promise<void>;
}

const MINUTE_MS = 60_000;

/** A real Redis that lives in the time of a test: its scripts read `now`, and locks end by it. */
export function virtualRedis(client: TestClient, now: () => number): VirtualRedis {
  const lockEnds = new Map<string, number>();
  let health: RedisHealth = 'up';
  let pending = 0;

  async function ask<Result>(command: () => Promise<Result>): Promise<Result> {
    if (health === 'down') throw new Error('Redis is down.');
    if (health === 'hanging') return new Promise(() => undefined);
    pending++;
    return command().finally(() => pending--);
  }

  return {
    get isReady() {
      return health !== 'down';
    },
    get pending() {
      return pending;
    },
    async become(next) {
      if (health === 'down') await client.flushAll();
      health = next;
    },
    get: (key) => ask(() => client.get(key)),
    del: (key) => ask(() => client.del(key)),
    set: (key, value, options) =>
      ask(async () => {
        if (options.NX && (lockEnds.get(key) ?? 0) <= now()) await client.del(key);
        const done = await client.set(key, value, options);
        if (options.NX && done !== null) lockEnds.set(key, now() + options.PX);
        return done;
      }),
    eval(script, { keys, arguments: args }) {
      const seconds = Math.floor(now() / 1000);
      const time = `{${seconds}, ${Math.floor((now() % 1000) * 1000)}}`;
      // What counts within a minute by the life of its key gets another key each minute.
      const minute = script.includes("'incr'") ? `:${Math.floor(now() / MINUTE_MS)}` : '';
      return ask(() =>
        client.eval(script.replaceAll("redis.call('time')", time), {
          keys: keys.map((key) => key + minute),
          arguments: args,
        }),
      );
    },
  };
}
