import { LRUCache } from 'lru-cache';
import { misconfigured } from '../../core/errors.ts';
import type { IssuedToken } from '../issuers/issuer.ts';

/** A token that was issued, as a pool keeps it: plain JSON. */
export interface PooledToken {
  readonly reply: IssuedToken;
  /** Epoch ms. */
  readonly issuedAtMs: number;
  /** Epoch ms; the token's end. */
  readonly expiresAtMs: number;
  /** Whether a browser has asked for a new one, by `Cache-Control: no-cache`. */
  readonly byRequest: boolean;
  /** Epoch ms; until then it is worth keeping, for the refresh token if not for the token. */
  readonly keepUntilMs: number;
}

/** Keeps tokens to hand out again. What it throws means that it can't be reached; the broker goes on without. */
export interface TokenPool {
  /** Of the pool's keys in Redis; limits that count in Redis take it over. */
  readonly prefix?: string | undefined;
  /** @param key a hash that names organisation, channel and visitor */
  get(key: string): Promise<PooledToken | undefined> | PooledToken | undefined;
  set(key: string, token: PooledToken): Promise<void> | void;
  delete(key: string): Promise<void> | void;
  /** Runs `work` on one machine at a time per key; only for pools that several machines share. */
  exclusively?<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
}

export interface MemoryTokenPoolOptions {
  /** Visitors; the least recently used one goes first. Default 10,000, about 20 MB. */
  max?: number | undefined;
}

/** A pool in this process. */
export function memoryTokenPool({ max = 10_000 }: MemoryTokenPoolOptions = {}): TokenPool {
  if (!Number.isInteger(max) || max < 1) {
    throw misconfigured('max', 'must be a whole number of 1 or more');
  }
  const tokens = new LRUCache<string, PooledToken>({ max });
  return {
    get(key) {
      const token = tokens.get(key);
      if (!token || token.keepUntilMs > Date.now()) return token;
      tokens.delete(key);
      return undefined;
    },
    set: (key, token) => void tokens.set(key, token),
    delete: (key) => void tokens.delete(key),
  };
}
