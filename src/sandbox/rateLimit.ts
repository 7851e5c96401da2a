/**
 * Counts one more request, unless the window is full.
 *
 * @returns ms until there is room again; 0: the request was counted
 */
export type RateLimit = (nowMs: number) => number;

/** At most `max` requests in any `windowMs`. */
export function createRateLimit(max: number, windowMs: number): RateLimit {
  let countedAtMs: number[] = [];
  return (nowMs) => {
    countedAtMs = countedAtMs.filter((atMs) => nowMs - atMs < windowMs);
    const [oldestMs] = countedAtMs;
    if (oldestMs !== undefined && countedAtMs.length >= max) return oldestMs + windowMs - nowMs;
    countedAtMs.push(nowMs);
    return 0;
  };
}
