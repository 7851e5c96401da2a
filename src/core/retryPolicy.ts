import { toGuestTokenError } from './classify.ts';
import { type GuestTokenError, misconfigured } from './errors.ts';

export interface RetrySettings {
  /** Requests of one round, the first included: a whole number of 1 or more. Default 3. */
  attempts?: number | undefined;
  /** Ms; no wait is shorter. Default 2,000 (the reference's `min=2`). */
  minDelayMs?: number | undefined;
  /** Ms; no backoff is longer, jitter aside. Default 10,000 (the reference's `max=10`). */
  maxDelayMs?: number | undefined;
  /** Ms; a longer `Retry-After` fails at once with `retryAtMs`. Default 60,000. */
  maxRetryAfterMs?: number | undefined;
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly maxRetryAfterMs: number;
}

/** The first wait before clamping, doubled after each failure (the reference's `multiplier=1`). */
const BASE_DELAY_MS = 1_000;

/** Spreads clients that failed together. */
const JITTER_SHARE = 0.25;

/** Up to a quarter more, so that clients that failed together do not come back together. */
export function withJitter(delayMs: number): number {
  return delayMs * (1 + Math.random() * JITTER_SHARE);
}

/**
 * Fills in defaults; an `undefined` never beats one.
 *
 * @throws GuestTokenError `misconfigured`, naming the setting
 */
export function retryPolicy(settings: RetrySettings = {}): RetryPolicy {
  const policy = {
    attempts: settings.attempts ?? 3,
    minDelayMs: settings.minDelayMs ?? 2_000,
    maxDelayMs: settings.maxDelayMs ?? 10_000,
    maxRetryAfterMs: settings.maxRetryAfterMs ?? 60_000,
  };
  if (!Number.isInteger(policy.attempts) || policy.attempts < 1) {
    throw misconfigured('retry.attempts', 'must be a whole number above 0');
  }
  for (const name of ['minDelayMs', 'maxDelayMs', 'maxRetryAfterMs'] as const) {
    assertDuration(`retry.${name}`, policy[name]);
  }
  if (policy.minDelayMs > policy.maxDelayMs) {
    throw misconfigured('retry.minDelayMs', 'is longer than retry.maxDelayMs');
  }
  return policy;
}

/** @throws GuestTokenError `misconfigured` unless `ms` is a finite number of 0 or more */
export function assertDuration(option: string, ms: number): void {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0) {
    throw misconfigured(option, 'must be 0 ms or more');
  }
}

/** 401 and 403: refused for who asks, so that the same request at once may find a renewed session. */
export function isRefusal(error: GuestTokenError): boolean {
  return error.code === 'unauthorized' || error.code === 'forbidden';
}

/**
 * Whether to try again: React Query's `retry` signature.
 *
 * @param failureCount failures before this one, from 0
 * @param thrown whatever was thrown: a `GuestTokenError`, a `Response`, an error with a `status`
 */
export function shouldRetry(
  failureCount: number,
  thrown: unknown,
  settings?: RetrySettings,
): boolean {
  const { attempts, maxRetryAfterMs } = retryPolicy(settings);
  const error = toGuestTokenError(thrown);
  if (isRefusal(error)) return failureCount < 1;
  if (!error.retryable || failureCount >= attempts - 1) return false;
  return waitAskedForMs(error) <= maxRetryAfterMs;
}

/**
 * Ms to wait before the next attempt: React Query's `retryDelay` signature.
 * `clamp(1 s × 2ⁿ, minDelayMs, maxDelayMs)` plus up to 25 % jitter, and never less than the server
 * asked for; none after the first 401 or 403.
 *
 * @param failureCount failures before this one, from 0
 */
export function retryDelayMs(
  failureCount: number,
  thrown: unknown,
  settings?: RetrySettings,
): number {
  const { minDelayMs, maxDelayMs } = retryPolicy(settings);
  const error = toGuestTokenError(thrown);
  if (isRefusal(error)) return 0;
  const backoffMs = Math.min(Math.max(BASE_DELAY_MS * 2 ** failureCount, minDelayMs), maxDelayMs);
  return Math.max(withJitter(backoffMs), waitAskedForMs(error));
}

/** The first pause after a round that failed; doubled with each one. */
const COOLDOWN_MS = 30_000;
const MAX_COOLDOWN_MS = 300_000;
/** A role or scope is usually added by somebody who watches the screen. */
const MAX_FORBIDDEN_COOLDOWN_MS = 60_000;

/**
 * Ms to leave the source alone after a whole round has failed: 30 s doubling to 5 min, jittered, 60 s
 * at most for `forbidden`, and never less than the server asked for.
 *
 * @param failedRounds rounds that failed in a row, from 1
 */
export function cooldownMs(failedRounds: number, error: GuestTokenError): number {
  const pauseMs = withJitter(Math.min(COOLDOWN_MS * 2 ** (failedRounds - 1), MAX_COOLDOWN_MS));
  const ownMs = error.code === 'forbidden' ? Math.min(pauseMs, MAX_FORBIDDEN_COOLDOWN_MS) : pauseMs;
  return Math.max(ownMs, waitAskedForMs(error));
}

function waitAskedForMs(error: GuestTokenError): number {
  return error.retryAtMs === undefined ? 0 : error.retryAtMs - Date.now();
}
