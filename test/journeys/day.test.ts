/// <reference types="vite/client" />
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type DayReport, days, live } from './day.ts';

// `npm run soak` runs this file with --mode soak, and other days each time; VITE_SEED=… repeats them.
const soaking = import.meta.env.MODE === 'soak';
const numRuns = soaking ? 200 : 12;

// React runs by itself here: act would batch what a browser does not.
beforeEach(() => vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test(`a visitor lives through ${numRuns} days of wrong clocks, sleep, failing networks and sources, and always has a valid token`, {
  timeout: 600_000,
}, async () => {
  const reports: DayReport[] = [];
  const seed = Number(import.meta.env.VITE_SEED ?? (soaking ? Date.now() % 2 ** 31 : 1));
  await fc.assert(
    fc.asyncProperty(days, async (day) => {
      try {
        reports.push(await live(day));
      } finally {
        vi.restoreAllMocks();
        vi.useRealTimers();
        document.body.replaceChildren();
      }
    }),
    { numRuns, seed, endOnFailure: true },
  );
  const sum = (of: (report: DayReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const lives = sum((report) => report.lives);
  expect(sum((report) => report.expiredServed)).toBe(0);
  if (!soaking) return;
  process.stdout.write(
    [
      `simulated days: ${reports.length} (seed ${seed})`,
      `lives: ${lives}`,
      `requests per life: ${(sum((report) => report.requests) / lives).toFixed(2)} (failed ones included; ${((sum((report) => report.requests) - sum((report) => report.failures)) / lives).toFixed(2)} without)`,
      `expired tokens served: ${sum((report) => report.expiredServed)}`,
      `longest time without a token while the world was healthy: ${Math.max(...reports.map((report) => report.longestWithoutMs)) / 1000} s`,
      `leaked timers: ${sum((report) => report.leakedTimers)}`,
      '',
    ].join('\n'),
  );
});
