import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';
import { createHashedKeys } from '../hashedKeys.ts';
import { type Room, WINDOW_MS } from './callWindow.ts';
import type { RunScript } from './redisScripts.ts';

/** The calls of all machines, in Redis. */
export interface SharedCallWindow {
  /**
   * How many calls this machine may make by its own count. While Redis is away, and for a while after
   * that, its share of them: Redis did not see what the others have done.
   */
  ownLimit(): number;
  /**
   * Adds a call where there is room for it and `spare` others.
   *
   * @param counted the calls of this machine that count at present
   *
   * @returns what to do when the call has ended; where it was not added, when there is room; undefined
   * while Redis is away
   */
  add(counted: number, spare: number, withinMs: number): Promise<(() => void) | Room | undefined>;
}

/** Longer than a call takes: when a machine dies, its calls count for so long and 60 s. */
const CALL_MS = 10_000;

/**
 * A machine without a call for so long is taken for switched off. Long enough for a quiet night, and
 * an hour after a deployment the machines that it has replaced take no share any more.
 */
const MACHINE_MS = 3_600_000;

/**
 * How long a machine keeps to its share after Redis failed: what another one has called just before it
 * noticed that Redis is back may take that long, and counts for a minute after its end.
 */
const ALONE_MS = WINDOW_MS + CALL_MS;

const NOW = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * A sorted set of calls by when they ended, or end at the latest. Own code: the windows of
 * rate-limiter-flexible are fixed ones, and two of them hold twice the limit around their border.
 */
const ADD = `${NOW}
local limit, spare, within = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local machine, id = ARGV[4], ARGV[5]
-- ends that no call can have: the clock of Redis was set back
for _, call in ipairs(redis.call('zrangebyscore', KEYS[1], '(' .. (now + ${CALL_MS}), '+inf')) do
  redis.call('zadd', KEYS[1], now, call)
end
redis.call('zremrangebyscore', KEYS[1], '-inf', now - ${WINDOW_MS})
redis.call('zadd', KEYS[2], now, machine)
redis.call('zremrangebyscore', KEYS[2], '-inf', now - ${MACHINE_MS})
redis.call('pexpire', KEYS[2], ${MACHINE_MS})
local machines = redis.call('zcard', KEYS[2])
local calls = redis.call('zcard', KEYS[1])
if calls + spare < limit then
  redis.call('zadd', KEYS[1], now + ${CALL_MS}, id)
  redis.call('pexpire', KEYS[1], ${CALL_MS + WINDOW_MS})
  return {machines, calls + 1}
end
local oldest = redis.call('zrange', KEYS[1], 0, 0, 'withscores')[2]
local places = redis.call('zcount', KEYS[1], '-inf', now + within - ${WINDOW_MS})
return {machines, calls, oldest + ${WINDOW_MS} - now, places}`;

const END = `${NOW}
return redis.call('zadd', KEYS[1], 'xx', now, ARGV[1])`;

export function sharedCallWindow(limit: number, scope: string, run: RunScript): SharedCallWindow {
  const keyOf = createHashedKeys();
  const machine = crypto.randomUUID();
  let machines = 1;
  let isAway = false;
  let alone: Deadline = 0;
  /** The calls of all machines, as Redis last counted them. */
  let seen: { readonly calls: number; readonly counts: Deadline } = { calls: 0, counts: 0 };
  /** What is left to this machine of a minute that was well used when Redis went away. */
  let rest: { readonly limit: number; readonly counts: Deadline } | undefined;

  function lost(counted: number): void {
    if (!isAway && untilMs(seen.counts) > 0) {
      const left = Math.max(0, limit - seen.calls);
      rest = { limit: counted + Math.floor(left / machines), counts: deadlineIn(WINDOW_MS) };
    }
    isAway = true;
    alone = deadlineIn(ALONE_MS);
  }

  return {
    ownLimit() {
      if (untilMs(alone) <= 0) return limit;
      const share = Math.max(1, Math.floor(limit / machines));
      return rest && untilMs(rest.counts) > 0 ? Math.min(share, rest.limit) : share;
    },
    async add(counted, spare, withinMs) {
      // In braces, so that both are on one node of a cluster.
      const key = `upstream:{${await keyOf(scope)}}`;
      const id = crypto.randomUUID();
      let reply: unknown;
      try {
        const args = [limit, spare, withinMs, machine, id];
        reply = await run(ADD, [key, `${key}:machines`], args);
      } catch {
        lost(counted);
        return undefined;
      }
      // What was called until now without it, Redis does not count.
      if (isAway) alone = deadlineIn(ALONE_MS);
      isAway = false;
      const [known = 1, calls = 0, nextMs, places = 0] = Array.isArray(reply)
        ? reply.map(Number)
        : [];
      seen = { calls, counts: deadlineIn(WINDOW_MS) };
      // A Redis that has lost its memory knows fewer of them.
      if (untilMs(alone) <= 0) machines = known;
      if (nextMs !== undefined) return { nextMs, places };
      return () => void run(END, [key], [id]).catch(() => undefined);
    },
  };
}
