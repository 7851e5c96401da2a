import { vi } from 'vitest';

const DAY_MS = 86_400_000;

// Each test a day later than the one before, so that the steady clock never has to run backwards.
let startsAtMs = Date.UTC(2026, 2, 1);

const TIMERS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;

/** Fakes both clocks, and the timers unless a test has none; `vi.useRealTimers()` ends it. */
export function fakeClocks({ timers = true } = {}): void {
  startsAtMs += DAY_MS;
  vi.useFakeTimers({
    toFake: ['Date', 'performance', ...(timers ? TIMERS : [])],
    now: startsAtMs,
  });
}

/** Sets the wall clock; the steady one does not notice. */
export function setClockBack(ms: number): void {
  vi.setSystemTime(Date.now() - ms);
}
