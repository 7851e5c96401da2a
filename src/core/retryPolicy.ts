import { toGuestTokenError } from './classify.ts';
import { assertOption, type GuestTokenError, isMs } from './errors.ts';
import { withDefaults } from './options.ts';

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

export type RetryPolicy = { readonly [Name in keyof RetrySettings]-?: number };

const defaults: RetryPolicy = {
  attempts: 3,
  minDelayMs: 2_000,
  maxDelayMs: 10_000,
  maxRetryAfterMs: 60_000,
};

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
  const policy = withDefaults(defaults, settings);
  for (const [name, value] of Object.entries(policy)) assertDuration(`retry.${name}`, value);
  const { attempts, minDelayMs, maxDelayMs } = policy;
  assertOption('retry.attempts', attempts > 0 && attempts % 1 === 0, 'must be 1 or more');
  assertOption('retry.minDelayMs', minDelayMs <= maxDelayMs, 'is above retry.maxDelayMs');
  return policy;
}

/** @throws GuestTokenError `misconfigured` unless `ms` is a finite number of 0 or more */
export function assertDuration(option: string, ms: number): void {
  assertOption(option, isMs(ms), 'must be 0 or more');
}

/** 401 and 403: refused for who asks, so that the same request at once may find a renewed session. */
export function isRefusal({ code }: GuestTokenError): boolean {
  return code === 'unauthorized' || code === 'forbidden';
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
  return error.retryable && failureCount < attempts - 1 && waitAskedForMs(error) <= maxRetryAfterMs;
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
 * @param failedRounds rounds that failed in a row before this one, from 0
 */
export function cooldownMs(failedRounds: number, error?: GuestTokenError): number {
  const pauseMs = withJitter(Math.min(COOLDOWN_MS * 2 ** failedRounds, MAX_COOLDOWN_MS));
  const mostMs = error?.code === 'forbidden' ? MAX_FORBIDDEN_COOLDOWN_MS : pauseMs;
  return Math.max(Math.min(pauseMs, mostMs), waitAskedForMs(error));
}

function waitAskedForMs(error: GuestTokenError | undefined): number {
  // an error of another copy of the package, or a changed one, may hold anything
  return isMs(error?.retryAtMs) ? error.retryAtMs - Date.now() : 0;
}
