import { toGuestTokenError } from './classify.ts';
import { assertOption, type GuestTokenError, isMs } from './errors.ts';
import { withDefaults } from './options.ts';

export interface RetrySettings {
  /** Requests of one acquisition, the first included: a whole number of 1 or more. Default 3. */
  attempts?: number | undefined;
  /** Ms; no wait is shorter. Default 2,000. */
  minDelayMs?: number | undefined;
  /** Ms; no backoff is longer, jitter aside. Default 10,000. */
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

/** The first wait before clamping, doubled after each failure. */
const BASE_DELAY_MS = 1_000;

/** Spreads clients that failed together. */
const JITTER_SHARE = 0.25;

/** Adds up to a quarter, so that clients that failed together don't come back together. */
export function withJitter(delayMs: number): number {
  return delayMs * (1 + Math.random() * JITTER_SHARE);
}

/**
 * Fills in the defaults, also for settings that are `undefined`.
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

/** 401 and 403 are about who asks: a second request, sent at once, may find a renewed session. */
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

/** The first cool-down; doubled with each failed acquisition. */
const COOLDOWN_MS = 30_000;
const MAX_COOLDOWN_MS = 300_000;
/** Whoever adds a missing role or scope usually watches the screen. */
const MAX_FORBIDDEN_COOLDOWN_MS = 60_000;

/**
 * Ms of the cool-down after a failed acquisition: 30 s doubling to 5 min, jittered; at most 60 s for
 * `forbidden`; never less than the server asked for.
 *
 * @param failedRounds acquisitions that failed in a row before this one, from 0
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
