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
