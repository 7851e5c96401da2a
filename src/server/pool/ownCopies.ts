import { LRUCache } from 'lru-cache';
import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';
import { nowMs } from '../serverClock.ts';
import type { PooledToken } from './tokenPool.ts';

/** As for a pool in memory. */
const MAX_COPIES = 10_000;

/** The visitor may have signed out on another machine since, which this one then has not heard of. */
const TRUSTED_MS = 300_000;

/** Copies of what a machine has read or written lately, for while the shared store is away. */
export interface OwnCopies {
  keep(key: string, token: PooledToken): void;
  /** After five minutes nothing, or a token that is over with the refresh token that renews it. */
  get(key: string): PooledToken | undefined;
  forget(key: string): void;
}

export function createOwnCopies(): OwnCopies {
  const copies = new LRUCache<string, { token: PooledToken; trusted: Deadline }>({
    max: MAX_COPIES,
  });
  return {
    keep: (key, token) => void copies.set(key, { token, trusted: deadlineIn(TRUSTED_MS) }),
    get(key) {
      const copy = copies.get(key);
      if (!copy || copy.token.keepUntilMs <= nowMs()) return undefined;
      const { token, trusted } = copy;
      if (untilMs(trusted) > 0) return token;
      return token.reply.refresh_token === undefined ? undefined : { ...token, expiresAtMs: 0 };
    },
    forget: (key) => void copies.delete(key),
  };
}
