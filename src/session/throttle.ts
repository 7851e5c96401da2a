import type { Deadline, Instant } from '../core/clock.ts';
import type { GuestTokenError } from '../core/errors.ts';

/** A source that is asked more often than this is asked in a loop, whatever the cause. */
const MAX_REQUESTS_PER_MINUTE = 10;

const MINUTE_MS = 60_000;

/** A calm stretch of this length after refused replacements makes the next pause a short one again. */
const FORGIVEN_AFTER_MS = 5 * MINUTE_MS;

/**
 * When a session may ask its source: after failures not at once, and never in a loop. An immutable
 * value in the session's state. It belongs to the identity, so it outlives tokens and providers.
 */
export interface Throttle {
  /** The wait between two attempts, or the cool-down after a failed acquisition. */
  readonly pause: Pause | undefined;
  /** Acquisitions that failed in a row. */
  readonly failures: number;
  /** Attempts that failed in a row, also of acquisitions that were aborted. */
  readonly failedAttempts: number;
  /** For each of the latest requests: when it will be a minute ago. */
  readonly requests: readonly Deadline[];
  /** Replacements that a server refused in a row. */
  readonly refusals: number;
  /** Until then a rejected token is not replaced. */
  readonly refusedUntil: Deadline;
}

interface Pause {
  readonly until: Deadline;
  /** The same as epoch ms on this machine's clock. */
  readonly endsAtMs: number;
  /** The server named its length, so only a person's `refresh` ends it early. */
  readonly isNamed: boolean;
}

export const openThrottle: Throttle = {
  pause: undefined,
  failures: 0,
  failedAttempts: 0,
  requests: [],
  refusals: 0,
  refusedUntil: Number.NEGATIVE_INFINITY,
};

/** Ms until automatic callers may ask; 0 or less: now. */
export function pausedForMs({ pause }: Throttle, now: Instant): number {
  return pause ? pause.until - now.monotonicMs : 0;
}

/** Ms until the request budget has room for one more request; 0 or less: now. */
export function overBudgetForMs({ requests }: Throttle, now: Instant): number {
  return (requests.at(-MAX_REQUESTS_PER_MINUTE) ?? 0) - now.monotonicMs;
}

/** Whether a rejected token may be replaced. */
export function mayReplace(throttle: Throttle, now: Instant): boolean {
  return pausedForMs(throttle, now) <= 0 && throttle.refusedUntil <= now.monotonicMs;
}

/** Nothing in it matters any more. */
export function isAtRest(throttle: Throttle, now: Instant): boolean {
  const last = throttle.requests.at(-1) ?? 0;
  return mayReplace(throttle, now) && last <= now.monotonicMs;
}

export function withRequest(throttle: Throttle, now: Instant): Throttle {
  const others = throttle.requests.slice(1 - MAX_REQUESTS_PER_MINUTE);
  return { ...throttle, requests: [...others, now.monotonicMs + MINUTE_MS] };
}

export function withPause(
  throttle: Throttle,
  delayMs: number,
  error: GuestTokenError,
  now: Instant,
): Throttle {
  const pause = {
    until: now.monotonicMs + delayMs,
    endsAtMs: now.wallMs + delayMs,
    isNamed: error.retryAtMs !== undefined,
  };
  return { ...throttle, pause };
}

/** @param byPerson ends a wait that the server named, too */
export function withoutPause(throttle: Throttle, byPerson: boolean): Throttle {
  const { pause } = throttle;
  return pause && (byPerson || !pause.isNamed) ? { ...throttle, pause: undefined } : throttle;
}

/** A replacement was refused, too: one forbidden endpoint must not cost good tokens for ever. */
export function withRefusal(throttle: Throttle, pauseMs: number, now: Instant): Throttle {
  return {
    ...throttle,
    refusals: refusalsInARow(throttle, now) + 1,
    refusedUntil: now.monotonicMs + pauseMs,
  };
}

export function refusalsInARow({ refusals, refusedUntil }: Throttle, now: Instant): number {
  return refusedUntil + FORGIVEN_AFTER_MS < now.monotonicMs ? 0 : refusals;
}
