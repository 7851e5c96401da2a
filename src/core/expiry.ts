import { GuestTokenError } from './errors.ts';

/** Browsers and Node hold a timer's delay in 32 bits; a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Refresh a minute before the end, as the reference does. */
export const DEFAULT_EXPIRY_BUFFER_MS = 60_000;

/** Genesys' tokens live a day where they do not say (the reference's "fixed TTL"). */
export const DEFAULT_FALLBACK_TTL_MS = 86_400_000;

/** A buffer longer than this part of a life would make a short token stale on arrival, and loop. */
const MAX_BUFFER_SHARE = 1 / 5;

/** Below this, a difference between clocks is latency and rounding, not news. */
export const NOTABLE_SKEW_MS = 60_000;

export type ExpirySource = 'expires_in' | 'jwt' | 'fallback';

/** What a reply says about a token's time, seconds as on the wire turned into ms. */
export interface ExpiryClaims {
  /** From `expires_in`: life that was left when the server answered. */
  readonly expiresInMs?: number | undefined;
  /** From the JWT's `exp`: epoch ms on the issuer's clock. */
  readonly expiresAtMs?: number | undefined;
  /** From the JWT's `iat`. */
  readonly issuedAtMs?: number | undefined;
  /** From `created_time`. */
  readonly createdAtMs?: number | undefined;
}

export interface Life {
  /** Ms from the start of the request to the end of the token. */
  readonly lifeMs: number;
  readonly source: ExpirySource;
  /** How far this machine's clock seems to be ahead of the issuer's, where the token tells. */
  readonly clockSkewMs: number | undefined;
}

/**
 * How long a token lives, counted from the start of the request that brought it.
 *
 * @param nowMs the start of the request, on the issuer's clock as far as it is known
 * @throws GuestTokenError `unknown_expiry` without any claim, `no_progress` for a token that is over
 */
export function lifeOf(claims: ExpiryClaims, nowMs: number, fallbackTtlMs: number): Life {
  const { expiresInMs, expiresAtMs, createdAtMs } = claims;
  if (expiresInMs !== undefined) {
    if (expiresInMs <= 0) throw overOnArrival();
    return { lifeMs: expiresInMs, source: 'expires_in', clockSkewMs: undefined };
  }
  if (expiresAtMs !== undefined) {
    return between(claims.issuedAtMs ?? createdAtMs, expiresAtMs, nowMs, 'jwt');
  }
  if (createdAtMs !== undefined) {
    return between(createdAtMs, createdAtMs + fallbackTtlMs, nowMs, 'fallback');
  }
  throw new GuestTokenError('unknown_expiry', 'The token does not tell its end.');
}

/** Life by absolute times: trusted while they agree with the clock, else their difference is. */
function between(
  issuedAtMs: number | undefined,
  expiresAtMs: number,
  nowMs: number,
  source: ExpirySource,
): Life {
  const leftMs = expiresAtMs - nowMs;
  const wholeMs = expiresAtMs - (issuedAtMs ?? Number.NEGATIVE_INFINITY);
  if (wholeMs <= 0) throw overOnArrival();
  if (leftMs > 0 && leftMs <= wholeMs) return { lifeMs: leftMs, source, clockSkewMs: undefined };
  if (issuedAtMs === undefined) throw overOnArrival();
  // Looks expired, or not issued yet: it is this clock that is wrong.
  const skewMs = nowMs - issuedAtMs;
  return {
    lifeMs: wholeMs,
    source,
    clockSkewMs: Math.abs(skewMs) >= NOTABLE_SKEW_MS ? skewMs : undefined,
  };
}

function overOnArrival(): GuestTokenError {
  return new GuestTokenError('no_progress', 'The token was over on arrival.');
}

/** The buffer that is really used: at most a fifth of the life that was left on receipt. */
export function effectiveBufferMs(lifeMs: number, expiryBufferMs: number): number {
  return Math.min(expiryBufferMs, lifeMs * MAX_BUFFER_SHARE);
}

/** A delay that a timer can hold; whoever arms it looks at the clock again when it fires. */
export function timerDelayMs(delayMs: number): number {
  return Math.min(Math.max(delayMs, 0), MAX_TIMER_MS);
}
