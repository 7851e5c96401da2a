import { GuestTokenError } from './errors.ts';

/** Browsers and Node hold a timer's delay in 31 bits; a longer one fires at once. React Query adds 1. */
export const MAX_TIMER_MS = 2 ** 31 - 2;

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
  readonly expirySource: ExpirySource;
  /** How far this machine's clock is ahead of the issuer's: 0 as long as the token does not tell. */
  readonly clockSkewMs: number;
}

/**
 * How long a token lives, counted from the start of the request that brought it.
 *
 * @param nowMs the start of the request, on this machine's clock
 * @param clockErrorMs how far this clock is known to be ahead of the issuer's
 * @throws GuestTokenError `unknown_expiry` without any claim, `no_progress` for a token that is over
 */
export function lifeOf(
  claims: ExpiryClaims,
  nowMs: number,
  clockErrorMs: number,
  fallbackTtlMs: number,
): Life {
  const { expiresInMs, expiresAtMs, createdAtMs = Number.NaN } = claims;
  const expirySource =
    expiresInMs !== undefined ? 'expires_in' : expiresAtMs !== undefined ? 'jwt' : 'fallback';
  const issuedAtMs = (expiresAtMs && claims.issuedAtMs) ?? createdAtMs;
  const endsAtMs = expiresAtMs ?? createdAtMs + fallbackTtlMs;
  const wholeMs = endsAtMs - issuedAtMs;
  const leftMs = endsAtMs - (nowMs - clockErrorMs);
  // Looks over, or not issued yet: then it is this clock that is wrong. NaN, where nothing tells
  // when it was issued, is neither.
  const clockIsWrong = leftMs <= 0 || leftMs > wholeMs;
  const lifeMs = expiresInMs ?? (clockIsWrong ? wholeMs : leftMs);
  if (expirySource === 'fallback' && Number.isNaN(lifeMs)) {
    throw new GuestTokenError('unknown_expiry', 'The token has no expiry.');
  }
  if (!(lifeMs > 0)) throw new GuestTokenError('no_progress', 'The token is over.');
  const told = expiresInMs === undefined && clockIsWrong;
  return { lifeMs, expirySource, clockSkewMs: told ? nowMs - issuedAtMs : clockErrorMs };
}

/** The buffer that is really used: at most a fifth of the life that was left on receipt. */
export function effectiveBufferMs(lifeMs: number, expiryBufferMs: number): number {
  return Math.min(expiryBufferMs, lifeMs * MAX_BUFFER_SHARE);
}

/** A delay that a timer can hold; whoever arms it looks at the clock again when it fires. */
export function timerDelayMs(delayMs: number): number {
  return Math.min(Math.max(delayMs, 0), MAX_TIMER_MS);
}
