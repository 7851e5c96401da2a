import { readClock } from '../core/clock.ts';

const start = readClock();

/**
 * Epoch ms by the clock that this process started with: a clock that is turned back later makes no
 * token younger than it is.
 */
export function nowMs(): number {
  return Math.round(start.wallMs + readClock().monotonicMs - start.monotonicMs);
}
