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
  /** Tells apart the attributes that `authorize` decided; a hash. Undefined: there were none. */
  readonly attributesHash?: string | undefined;
}

/**
 * Keeps tokens to hand out again. What it throws means that it can't be reached, as does no answer
 * within a second; the broker goes on without.
 */
export interface TokenPool {
  /** Of the pool's keys in Redis; limits that count in Redis take it over. */
  readonly prefix?: string | undefined;
  /** @param key a hash that names organisation, channel and visitor */
  get(key: string): Promise<PooledToken | undefined> | PooledToken | undefined;
  set(key: string, token: PooledToken): Promise<void> | void;
  delete(key: string): Promise<void> | void;
  /**
   * Runs `work` on one machine at a time per key; only for pools that several machines share. Where it
   * takes more than 12 s to begin, the broker works without it.
   */
  exclusively?<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
}

/** Thrown by a pool for what it finds and can't read: it counts as missing, and operators hear of it. */
export class UnreadableToken extends Error {}
