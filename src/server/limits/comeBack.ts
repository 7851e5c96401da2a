import { LRUCache } from 'lru-cache';
import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';

/** Our client waits no longer than this for a Retry-After. */
const MAX_WAIT_MS = 60_000;

const MAX_REMEMBERED = 10_000;

/**
 * Spreads those who are turned away, who would otherwise come back together.
 *
 * @param eachMs how far apart they are told to come back
 * @returns the ms after which `who` is to come back, at least `earliestMs` where that is under a minute
 */
export function createComeBack(eachMs: number): (who: string, earliestMs: number) => number {
  const asked = new LRUCache<string, Deadline>({ max: MAX_REMEMBERED });
  let last: Deadline = 0;

  /** Whoever was turned away a moment ago must not push the others back. */
  function isAgain(who: string): boolean {
    const again = untilMs(asked.get(who)) > 0;
    asked.set(who, deadlineIn(MAX_WAIT_MS));
    return again;
  }

  return (who, earliestMs) => {
    const next = Math.max(last, deadlineIn(earliestMs)) + eachMs;
    // At random where a minute is too short for all of them.
    if (isAgain(who) || untilMs(next) > MAX_WAIT_MS) return MAX_WAIT_MS * (0.5 + Math.random() / 2);
    last = next;
    return untilMs(next);
  };
}
