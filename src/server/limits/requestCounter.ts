import { LRUCache } from 'lru-cache';
import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';
import { createHashedKeys } from '../hashedKeys.ts';
import type { RunScript } from './redisScripts.ts';

/**
 * Counts one request of `who`.
 *
 * @returns 0, or the ms until the next one is let through
 */
export type RequestCounter = (who: string) => number | Promise<number>;

const MINUTE_MS = 60_000;

/** Whoever asks from ever new addresses fills no more memory than this many of them (about 20 MB). */
const MAX_COUNTED = 100_000;

/** Own code in place of a rate limiter's, for the steady clock and the bound on what is kept. */
export function memoryCounter(perMinute: number): RequestCounter {
  const minutes = new LRUCache<string, { count: number; ends: Deadline }>({ max: MAX_COUNTED });
  return (who) => {
    let minute = minutes.get(who);
    if (!minute || untilMs(minute.ends) <= 0) {
      minute = { count: 0, ends: deadlineIn(MINUTE_MS) };
      minutes.set(who, minute);
    }
    minute.count++;
    return minute.count > perMinute ? untilMs(minute.ends) : 0;
  };
}

/** Of a key that Redis would keep for ever, or for longer than a minute, a new minute begins. */
const COUNT = `
local count = redis.call('incr', KEYS[1])
local left = redis.call('pttl', KEYS[1])
if count == 1 or left < 0 or left > ${MINUTE_MS} then
  redis.call('pexpire', KEYS[1], ${MINUTE_MS})
  left = ${MINUTE_MS}
end
return {count, left}`;

/** Machines count together; each for itself while Redis is away. */
export function redisCounter(
  name: string,
  scope: string,
  perMinute: number,
  run: RunScript,
): RequestCounter {
  const own = memoryCounter(perMinute);
  const keyOf = createHashedKeys();
  return async (who) => {
    try {
      // Hashed, so that nobody can be found by what is in Redis.
      const reply = await run(COUNT, [`${name}:${await keyOf(scope, who)}`], []);
      const [count, leftMs] = Array.isArray(reply) ? reply.map(Number) : [];
      return count !== undefined && count > perMinute ? Math.max(1, leftMs ?? 0) : 0;
    } catch {
      return own(who);
    }
  };
}
