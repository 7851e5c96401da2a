import { afterEach, beforeEach, vi } from 'vitest';

const DAY = 86_400_000;

let startMs = Date.UTC(2026, 10, 30, 8);

/** Fake time and no jitter in every test of the file, each a day later: no clock of a page runs backwards. */
export function withFakeDays(): void {
  beforeEach(() => {
    startMs += DAY;
    vi.useFakeTimers({ now: startMs });
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
}
