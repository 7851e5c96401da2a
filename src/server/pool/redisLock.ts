import { deadlineIn, untilMs } from '../../core/clock.ts';
import type { AskRedis } from '../redisWithTimeout.ts';
import type { RedisClient } from './redisTokenPool.ts';

/** A machine that dies gives its lock back after this; one that lives renews it. */
const LEASE_MS = 3_000;
const RENEW_EVERY_MS = 1_000;

/** Longer than another machine's call takes. */
const MAX_WAIT_MS = 11_500;

/** How often a machine looks whether another one has got the token. */
const LOOK_EVERY_MS = 40;

/** Both only for the lock of this machine, and not for the one that another has taken since. */
const UNLOCK =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end";
const RENEW =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end";

/** Gives the lock back. */
export type Unlock = () => void;

/**
 * Waits for a lock that one machine at a time holds, and renews it until it is given back.
 *
 * @returns undefined after 11.5 s without it
 *
 * @throws what Redis throws
 */
export async function takeRedisLock(
  client: RedisClient,
  ask: AskRedis,
  lock: string,
): Promise<Unlock | undefined> {
  const holder = crypto.randomUUID();
  // Without the time-out: a lock that stays behind holds up every machine.
  const run = (script: string, ...more: string[]): unknown =>
    client.eval(script, { keys: [lock], arguments: [holder, ...more] }).catch(() => undefined);
  const release = (): void => void run(UNLOCK);

  const ends = deadlineIn(MAX_WAIT_MS);
  while (untilMs(ends) > 0) {
    if (await tryLock(client, ask, lock, holder, release)) {
      const renewal = setInterval(() => run(RENEW, String(LEASE_MS)), RENEW_EVERY_MS);
      return () => {
        clearInterval(renewal);
        release();
      };
    }
    // Jittered, so that machines do not look in step.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS * (0.5 + Math.random())));
  }
  return undefined;
}

async function tryLock(
  client: RedisClient,
  ask: AskRedis,
  lock: string,
  holder: string,
  release: Unlock,
): Promise<boolean> {
  let taking: Promise<unknown> | undefined;
  try {
    const taken = await ask(() => {
      taking = client.set(lock, holder, { PX: LEASE_MS, NX: true });
      return taking;
    });
    return taken !== null;
  } catch (error) {
    // A Redis that comes round may still do it, when nobody waits for it any more.
    taking?.then(release, () => undefined);
    throw error;
  }
}
