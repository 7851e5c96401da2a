import { createHashedKeys } from '../hashedKeys.ts';
import { type Room, WINDOW_MS } from './callWindow.ts';
import type { RunScript } from './redisScripts.ts';

/** The calls of all machines, in Redis. */
export interface SharedCallWindow {
  /**
   * Adds a call where fewer than `limit` are counted with it and `spare` others.
   *
   * @returns what to do when the call has ended; where it was not added, when there is room
   * @throws unknown while Redis is away
   */
  add(limit: number, spare: number, withinMs: number): Promise<(() => void) | Room>;
}

/** Longer than a call takes: when a machine dies, its calls count for so long and 60 s. */
const CALL_MS = 10_000;

const NOW = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * A sorted set of calls by when they ended, or end at the latest. Own code: the windows of
 * rate-limiter-flexible are fixed ones, and two of them hold twice the limit around their border.
 */
const ADD = `${NOW}
local limit, spare, within, id = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
-- ends that no call can have: the clock of Redis was set back
for _, call in ipairs(redis.call('zrangebyscore', KEYS[1], '(' .. (now + ${CALL_MS}), '+inf')) do
  redis.call('zadd', KEYS[1], now, call)
end
redis.call('zremrangebyscore', KEYS[1], '-inf', now - ${WINDOW_MS})
if redis.call('zcard', KEYS[1]) + spare < limit then
  redis.call('zadd', KEYS[1], now + ${CALL_MS}, id)
  redis.call('pexpire', KEYS[1], ${CALL_MS + WINDOW_MS})
  return {}
end
local oldest = redis.call('zrange', KEYS[1], 0, 0, 'withscores')[2]
return {oldest + ${WINDOW_MS} - now, redis.call('zcount', KEYS[1], '-inf', now + within - ${WINDOW_MS})}`;

const END = `${NOW}
return redis.call('zadd', KEYS[1], 'xx', now, ARGV[1])`;

export function sharedCallWindow(scope: string, run: RunScript): SharedCallWindow {
  const keyOf = createHashedKeys();
  return {
    async add(limit, spare, withinMs) {
      const key = `upstream:${await keyOf(scope)}`;
      const id = crypto.randomUUID();
      const reply = await run(ADD, key, [limit, spare, withinMs, id]);
      const [nextMs, places = 0] = Array.isArray(reply) ? reply.map(Number) : [];
      if (nextMs !== undefined) return { nextMs, places };
      return () => void run(END, key, [id]).catch(() => undefined);
    },
  };
}
