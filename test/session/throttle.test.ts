// When a session may ask its source, and when it may replace a refused token.
import { describe, expect, test } from 'vitest';
import type { Instant } from '../../src/core/clock.ts';
import {
  isAtRest,
  mayReplace,
  openThrottle,
  overBudgetForMs,
  pausedForMs,
  refusalsInARow,
  type Throttle,
  withoutPause,
  withPause,
  withRefusal,
  withRequest,
} from '../../src/session/throttle.ts';
import { busy, deepFreeze, failed, later, now } from './states.ts';

deepFreeze(openThrottle);

/** Requests at these moments, ms after `now`. */
function afterRequests(...atMs: readonly number[]): Throttle {
  const send = (throttle: Throttle, ms: number): Throttle =>
    deepFreeze(withRequest(throttle, later(ms)));
  return atMs.reduce(send, openThrottle);
}

/** Moments around the end of something that lasts `delayMs` from `now`. */
function around(delayMs: number): Instant[] {
  return [now, later(delayMs - 1), later(delayMs), later(delayMs + 1)];
}

describe('a pause', () => {
  const paused = deepFreeze(withPause(openThrottle, 5_000, failed, now));

  test('an open throttle has none', () => {
    expect(pausedForMs(openThrottle, now)).toBe(0);
  });

  test('a pause ends after its length on the steady clock', () => {
    expect(around(5_000).map((at) => pausedForMs(paused, at))).toEqual([5_000, 1, 0, -1]);
  });

  test('a wall clock that is set does not change how long a pause lasts', () => {
    expect(pausedForMs(paused, { ...now, wallMs: 0 })).toBe(5_000);
  });

  test('the end of a pause is known by the wall clock, for people to read', () => {
    expect(paused.pause?.endsAtMs).toBe(now.wallMs + 5_000);
  });

  test('a second pause replaces the first', () => {
    expect(pausedForMs(withPause(paused, 1_000, failed, now), now)).toBe(1_000);
  });

  test('a pause leaves requests, failures and refusals as they are', () => {
    const before = { ...openThrottle, failures: 3, requests: [7], refusals: 2, refusedUntil: 9 };
    expect(withPause(before, 5_000, failed, now)).toEqual({ ...before, pause: paused.pause });
  });
});

describe('ending a pause early', () => {
  test.each([
    { by: 'a person', of: 'the package itself', error: failed, byPerson: true, ends: true },
    { by: 'the page', of: 'the package itself', error: failed, byPerson: false, ends: true },
    { by: 'a person', of: 'the server', error: busy, byPerson: true, ends: true },
    { by: 'the page', of: 'the server', error: busy, byPerson: false, ends: false },
  ])('$by ends a pause whose length comes from $of: $ends', ({ error, byPerson, ends }) => {
    const paused = deepFreeze(withPause({ ...openThrottle, failures: 2 }, 5_000, error, now));
    const after = withoutPause(paused, byPerson);
    if (ends) expect(after).toEqual({ ...paused, pause: undefined });
    else expect(after).toBe(paused);
  });

  test.each([true, false])('a throttle without a pause stays the same object (%s)', (byPerson) => {
    expect(withoutPause(openThrottle, byPerson)).toBe(openThrottle);
  });
});

describe('the request budget', () => {
  const tenIn9s = [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000];

  test('there is room when nothing was sent', () => {
    expect(overBudgetForMs(openThrottle, now)).toBeLessThanOrEqual(0);
  });

  test('nine requests in a minute leave room for a tenth', () => {
    expect(overBudgetForMs(afterRequests(...tenIn9s.slice(1)), later(9_000))).toBeLessThan(0);
  });

  test('after ten requests there is room when the first is a minute old', () => {
    const throttle = afterRequests(...tenIn9s);
    expect(overBudgetForMs(throttle, later(9_000))).toBe(51_000);
    expect(around(60_000).map((at) => overBudgetForMs(throttle, at))).toEqual([60_000, 1, 0, -1]);
  });

  test('the eleventh request takes the place of the first', () => {
    const throttle = afterRequests(...tenIn9s, 60_000);
    expect(overBudgetForMs(throttle, later(60_000))).toBe(1_000);
  });

  test('no more than ten requests are remembered, the latest ones', () => {
    const throttle = afterRequests(...tenIn9s, 60_000, 61_000);
    expect(throttle.requests).toEqual(
      [...tenIn9s.slice(2), 60_000, 61_000].map((ms) => later(ms + 60_000).monotonicMs),
    );
  });

  test('a request leaves pause, failures and refusals as they are', () => {
    const before = { ...openThrottle, failures: 3, failedAttempts: 1, refusals: 2 };
    const after = withRequest(before, now);
    expect(after).toEqual({ ...before, requests: [later(60_000).monotonicMs] });
  });
});

describe('replacing a refused token', () => {
  const refused = deepFreeze(withRefusal(openThrottle, 30_000, now));

  test('an open throttle allows it', () => {
    expect(mayReplace(openThrottle, now)).toBe(true);
  });

  test('it is not allowed until the pause after a refused replacement is over', () => {
    const allowed = around(30_000).map((at) => mayReplace(refused, at));
    expect(allowed).toEqual([false, false, true, true]);
  });

  test('it is not allowed during a cool-down', () => {
    const paused = withPause(openThrottle, 5_000, failed, now);
    const allowed = around(5_000).map((at) => mayReplace(paused, at));
    expect(allowed).toEqual([false, false, true, true]);
  });

  test('a refusal pauses no request', () => {
    expect(pausedForMs(refused, now)).toBe(0);
  });

  test('refusals are counted', () => {
    const twice = withRefusal(refused, 60_000, later(30_000));
    expect([openThrottle, refused, twice].map((throttle) => refusalsInARow(throttle, now))).toEqual(
      [0, 1, 2],
    );
    expect(twice.refusedUntil).toBe(later(90_000).monotonicMs);
  });

  test('a refusal is forgotten after five calm minutes', () => {
    const counts = around(330_000).map((at) => refusalsInARow(refused, at));
    expect(counts).toEqual([1, 1, 1, 0]);
  });

  test('the count starts again with the first refusal after five calm minutes', () => {
    const again = withRefusal(refused, 30_000, later(330_001));
    expect(again.refusals).toBe(1);
  });
});

describe('a throttle is at rest', () => {
  test('when nothing has happened', () => {
    expect(isAtRest(openThrottle, now)).toBe(true);
  });

  test.each([
    {
      what: 'the latest request is a minute old',
      afterMs: 61_000,
      made: afterRequests(0, 500, 1_000),
    },
    {
      what: 'a pause is over',
      afterMs: 5_000,
      made: withPause(openThrottle, 5_000, failed, now),
    },
    {
      what: 'refused tokens may be replaced again',
      afterMs: 30_000,
      made: withRefusal(openThrottle, 30_000, now),
    },
  ])('from the moment when $what', ({ made, afterMs }) => {
    const atRest = around(afterMs).map((at) => isAtRest(made, at));
    expect(atRest).toEqual([false, false, true, true]);
  });
});
