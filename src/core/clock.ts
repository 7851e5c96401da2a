/**
 * A moment, on both clocks of the machine. The wall clock runs on while the machine sleeps but can
 * be set by hand; the monotonic clock can't be set but may stand still during sleep.
 */
export interface Instant {
  /** `Date.now()`: epoch ms. */
  readonly wallMs: number;
  /** `performance.now()`: ms since an arbitrary moment of this page. */
  readonly monotonicMs: number;
}

/** The current moment. The globals are looked up at each call, so that fake timers reach them. */
export function readClock(): Instant {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}

/**
 * Ms from `since` to `now`: the larger of what the two clocks say. Neither a clock that was turned
 * back nor a sleep that stopped the monotonic clock can make a token look younger than it is.
 */
export function elapsedMs(since: Instant, now: Instant): number {
  return Math.max(now.wallMs - since.wallMs, now.monotonicMs - since.monotonicMs, 0);
}

/** A wait that began at a moment: told by both clocks, so that it ends during sleep too. */
export interface Deadline {
  readonly since: Instant;
  readonly delayMs: number;
}

/** A deadline `delayMs` from now. */
export function deadlineIn(delayMs: number): Deadline {
  return { since: readClock(), delayMs };
}

/** Ms until the deadline; 0 or less when it is over, or when there is none. */
export function untilMs(deadline: Deadline | undefined, now: Instant = readClock()): number {
  return deadline ? deadline.delayMs - elapsedMs(deadline.since, now) : 0;
}
