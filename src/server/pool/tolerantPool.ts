import type { BrokerEvent } from '../events.ts';
import { inTime } from '../inTime.ts';
import { nameOfError } from '../problem.ts';
import { type PooledToken, type TokenPool, UnreadableToken } from './tokenPool.ts';

/** A pool that does not answer in this time is done without. */
const POOL_TIMEOUT_MS = 1_000;

/** Whoever waits longer for a lock works without it; another machine's call takes 11 s at most. */
const LOCK_TIMEOUT_MS = 12_000;

/** A pool whose failures cost time and an event, and nothing else. */
export interface TolerantPool {
  /** Undefined also where the pool fails. */
  get(key: string): Promise<PooledToken | undefined>;
  set(key: string, token: PooledToken): Promise<void>;
  /** @returns whether the pool has done it */
  delete(key: string): Promise<boolean>;
  /** Runs `work` under the key's lock, or without it where the pool has none or does not give it. */
  exclusively<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
}

export function createTolerantPool(
  pool: TokenPool,
  emit: (event: BrokerEvent) => void,
): TolerantPool {
  function failed(error: unknown): void {
    if (error instanceof UnreadableToken) emit({ type: 'pool-unreadable' });
    else emit({ type: 'pool-unavailable', thrown: nameOfError(error) });
  }

  async function attempt<Result>(
    ask: () => Promise<Result> | Result,
  ): Promise<{ readonly result: Result } | undefined> {
    try {
      const result = ask();
      if (!(result instanceof Object && 'then' in result)) return { result };
      return { result: await inTime(result, POOL_TIMEOUT_MS, tooSlow) };
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  return {
    get: async (key) => (await attempt(() => pool.get(key)))?.result,
    set: async (key, token) => void (await attempt(() => pool.set(key, token))),
    delete: async (key) => (await attempt(() => pool.delete(key))) !== undefined,
    exclusively<Result>(key: string, work: () => Promise<Result>) {
      if (!pool.exclusively) return work();
      let started: Promise<Result> | undefined;
      const start = (): Promise<Result> => {
        started ??= work();
        return started;
      };
      return new Promise<Result>((resolve, reject) => {
        /** The work's own outcome counts, whatever becomes of the lock. */
        const run = (): Promise<Result> => {
          clearTimeout(timer);
          start().then(resolve, reject);
          return start();
        };
        const withoutLock = (error: unknown): void => {
          if (started) return;
          failed(error);
          run().catch(() => undefined);
        };
        const timer = setTimeout(() => withoutLock(tooSlow()), LOCK_TIMEOUT_MS);
        Promise.resolve()
          .then(() => pool.exclusively?.(key, run))
          .then(() => withoutLock(new Error('The pool did not run the work.')), withoutLock);
      });
    },
  };
}

function tooSlow(): Error {
  return Object.assign(new Error('The pool did not answer in time.'), { name: 'TimeoutError' });
}
