import { LRUCache } from 'lru-cache';
import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';
import { misconfigured } from '../../core/errors.ts';
import { nowMs } from '../serverClock.ts';
import type { PooledToken, TokenPool } from './tokenPool.ts';

export interface MemoryTokenPoolOptions {
  /** Visitors; the least recently used one goes first. Default 10,000, about 20 MB. */
  max?: number | undefined;
}

interface Kept {
  readonly token: PooledToken;
  readonly ends: Deadline;
}

/**
 * A pool in this process.
 *
 * @throws GuestTokenError `misconfigured`, naming the option
 */
export function memoryTokenPool({ max = 10_000 }: MemoryTokenPoolOptions = {}): TokenPool {
  if (!Number.isInteger(max) || max < 1) {
    throw misconfigured('max', 'must be a whole number of 1 or more');
  }
  const tokens = new LRUCache<string, Kept>({ max });
  return {
    get(key) {
      const kept = tokens.get(key);
      if (!kept || untilMs(kept.ends) > 0) return kept?.token;
      tokens.delete(key);
      return undefined;
    },
    set(key, token) {
      tokens.set(key, { token, ends: deadlineIn(token.keepUntilMs - nowMs()) });
    },
    delete: (key) => void tokens.delete(key),
  };
}
