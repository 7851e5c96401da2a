/**
 * A moment, on two clocks of this page. The wall clock is what the visitor sees, and can be set by
 * hand; the steady one only ever runs forward.
 */
export interface Instant {
  /** `Date.now()`: epoch ms. */
  readonly wallMs: number;
  /** Ms since an arbitrary moment of this page; it runs on during sleep, as far as can be told. */
  readonly monotonicMs: number;
}

/**
 * Two clocks differ by more than this when one of them was set or has stood still. Less is rounding:
 * browsers blur their clocks, each tab's differently, and Firefox by up to 100 ms
 * (`privacy.resistFingerprinting`).
 */
export const DIVERGED_MS = 1_000;

// where both clocks were last found to have diverged, and the steady clock then and now
let anchorWallMs = 0;
let anchorPerformanceMs = 0;
let anchorSteadyMs = 0;
let steadyMs = 0;

/**
 * The current moment. `performance.now()` may stand still while the machine sleeps, and the wall
 * clock may be turned back: each stretch of time between two looks counts by the larger of the two,
 * so that a sleep after a clock was turned back is not lost either.
 *
 * The globals are looked up at each call, so that fake timers reach them.
 */
export function readClock(): Instant {
  const wallMs = Date.now();
  const performanceMs = performance.now();
  const byWallMs = wallMs - anchorWallMs;
  const byPerformanceMs = performanceMs - anchorPerformanceMs;
  steadyMs = Math.max(steadyMs, anchorSteadyMs + Math.max(byWallMs, byPerformanceMs));
  // Only then: to add up the larger of two roundings at each look would make the clock run fast.
  if (Math.abs(byWallMs - byPerformanceMs) > DIVERGED_MS) {
    anchorWallMs = wallMs;
    anchorPerformanceMs = performanceMs;
    anchorSteadyMs = steadyMs;
  }
  return { wallMs, monotonicMs: steadyMs };
}

/**
 * Ms from `since` to `now`: the larger of what the two clocks say, so that no clock that was turned
 * back makes a token look younger than it is.
 */
export function elapsedMs(since: Instant, now: Instant): number {
  return Math.max(now.wallMs - since.wallMs, now.monotonicMs - since.monotonicMs, 0);
}

/** The end of a wait: ms on the steady clock, so that it comes during sleep too. */
export type Deadline = number;

/** A deadline `delayMs` from now. */
export function deadlineIn(delayMs: number): Deadline {
  return readClock().monotonicMs + delayMs;
}

/** Ms until the deadline; 0 or less when it is over, or when there is none. */
export function untilMs(deadline: Deadline = 0): number {
  return deadline - readClock().monotonicMs;
}
