import { afterEach, beforeEach, vi } from 'vitest';

const YEAR = 365 * 86_400_000;

let startMs = Date.UTC(2026, 10, 23, 8);

/**
 * Fake time and no jitter in every test of the file. Each test is later than the one before, so that
 * no clock of the page has to run backwards.
 */
export function withFakeClocks(): void {
  beforeEach(() => {
    startMs += YEAR;
    vi.useFakeTimers({ now: startMs });
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  });
}
