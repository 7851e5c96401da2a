// Whether and when to try again, as exported for queries of your own.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  GuestTokenError,
  type GuestTokenErrorCode,
  isGuestTokenError,
  type RetrySettings,
  retryDelayMs,
  shouldRetry,
} from '../../src/core/index.ts';
import * as client from '../../src/index.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 8);

let random = 0;
beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
  random = 0;
  vi.spyOn(Math, 'random').mockImplementation(() => random);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const unavailable = new GuestTokenError('unavailable', 'It failed.');
const busy = (waitMs: number): GuestTokenError =>
  new GuestTokenError('rate_limited', 'Busy.', { status: 429, retryAtMs: NOW_MS + waitMs });

/** For how many failures in a row, counted from 0, there is another try. */
function triesAgain(error: unknown, settings?: RetrySettings): boolean[] {
  return [0, 1, 2, 3, 9].map((failureCount) => shouldRetry(failureCount, error, settings));
}

/** The waits after the first failures. */
function waits(error: unknown, settings?: RetrySettings): number[] {
  return [0, 1, 2, 3, 4, 5].map((failureCount) => retryDelayMs(failureCount, error, settings));
}

test('both entries have the same two functions', () => {
  expect([client.shouldRetry, client.retryDelayMs]).toEqual([shouldRetry, retryDelayMs]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '9e15'])(
  'a retryAtMs of %s that was written into an error is ignored',
  (retryAtMs) => {
    const error = Object.assign(busy(0), { retryAtMs });
    expect(triesAgain(error)).toEqual([true, true, false, false, false]);
    expect(waits(error)).toEqual(waits(unavailable));
  },
);

describe('a passing failure is tried three times in all', () => {
  test.each<GuestTokenErrorCode>([
    'unreachable',
    'timed_out',
    'rate_limited',
    'unavailable',
    'expired',
  ])('%s', (code) => {
    const error = new GuestTokenError(code, 'It failed.');
    expect(triesAgain(error)).toEqual([true, true, false, false, false]);
  });

  test.each([
    ['a network failure', new TypeError('Failed to fetch')],
    ['a 408', new Response(null, { status: 408 })],
    ['a 429', new Response(null, { status: 429 })],
    ['a 500', new Response(null, { status: 500 })],
    ['a 502', { status: 502 }],
    ['a 503', Object.assign(new Error('x'), { status: 503 })],
    ['a 504', new Response(null, { status: 504 })],
    ['a thrown string', 'boom'],
    ['nothing at all', undefined],
  ])('%s', (_what, thrown) => {
    expect(triesAgain(thrown)).toEqual([true, true, false, false, false]);
  });
});

describe('a lasting failure is not tried again', () => {
  test.each<GuestTokenErrorCode>([
    'rejected',
    'malformed_reply',
    'unknown_expiry',
    'no_progress',
    'identity_mismatch',
    'misconfigured',
    'aborted',
  ])('%s', (code) => {
    const error = new GuestTokenError(code, 'It failed.');
    expect(triesAgain(error)).toEqual([false, false, false, false, false]);
  });

  test.each([400, 402, 404, 405, 409, 413, 415, 422, 501])('a %d', (status) => {
    const thrown = new Response(null, { status });
    expect(triesAgain(thrown)).toEqual([false, false, false, false, false]);
    expect(triesAgain({ status })).toEqual([false, false, false, false, false]);
  });

  test('an abort', () => {
    expect(triesAgain(new DOMException('x', 'AbortError'))[0]).toBe(false);
  });
});

describe('401 and 403', () => {
  test.each([
    new Response(null, { status: 401 }),
    { status: 403 },
    new GuestTokenError('unauthorized', 'No.'),
    new GuestTokenError('forbidden', 'No.'),
  ])('are tried again once, at once (%#)', (thrown) => {
    expect(triesAgain(thrown)).toEqual([true, false, false, false, false]);
    expect(retryDelayMs(0, thrown)).toBe(0);
  });
});

describe('the backoff', () => {
  test('is 2, 2, 4, 8, 10, 10 s', () => {
    expect(waits(unavailable)).toEqual([2_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(retryDelayMs(5_000, unavailable)).toBe(10_000);
  });

  test('gets up to a quarter of jitter, so that clients that failed together spread out', () => {
    random = 1 - Number.EPSILON;
    const longest = [2_500, 2_500, 5_000, 10_000, 12_500, 12_500];
    for (const [n, wait] of waits(unavailable).entries()) {
      expect(wait).toBeCloseTo(longest[n] ?? 0, 3);
    }
    random = 0.5;
    expect(waits(unavailable)).toEqual([2_250, 2_250, 4_500, 9_000, 11_250, 11_250]);
  });

  test('is settable', () => {
    const settings = { minDelayMs: 100, maxDelayMs: 3_000 };
    expect(waits(unavailable, settings)).toEqual([1_000, 2_000, 3_000, 3_000, 3_000, 3_000]);
    expect(waits(unavailable, { minDelayMs: 5_000 })).toEqual([
      5_000, 5_000, 5_000, 8_000, 10_000, 10_000,
    ]);
    expect(waits(unavailable, { minDelayMs: 0, maxDelayMs: 0 })).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('and the number of attempts is', () => {
    expect(triesAgain(unavailable, { attempts: 1 })).toEqual([false, false, false, false, false]);
    expect(triesAgain(unavailable, { attempts: 4 })).toEqual([true, true, true, false, false]);
  });

  test('keeps its default where a setting is undefined', () => {
    const unset = {
      attempts: undefined,
      minDelayMs: undefined,
      maxDelayMs: undefined,
      maxRetryAfterMs: undefined,
    };
    expect(waits(unavailable, unset)).toEqual(waits(unavailable));
    expect(triesAgain(unavailable, unset)).toEqual(triesAgain(unavailable));
  });
});

describe('a wait that the server names', () => {
  test('is kept, and is never shorter than the backoff', () => {
    expect(waits(busy(42_000))).toEqual([42_000, 42_000, 42_000, 42_000, 42_000, 42_000]);
    expect(waits(busy(3_000))).toEqual([3_000, 3_000, 4_000, 8_000, 10_000, 10_000]);
    expect(waits(busy(0))).toEqual(waits(unavailable));
    expect(waits(busy(-5_000))).toEqual(waits(unavailable));
  });

  test('of more than a minute is not waited for', () => {
    expect(shouldRetry(0, busy(60_000))).toBe(true);
    expect(shouldRetry(0, busy(60_001))).toBe(false);
  });

  test('may be longer or shorter by maxRetryAfterMs', () => {
    expect(shouldRetry(0, busy(180_000), { maxRetryAfterMs: 180_000 })).toBe(true);
    expect(shouldRetry(0, busy(1_000), { maxRetryAfterMs: 999 })).toBe(false);
  });
});

describe('Retry-After', () => {
  /** The wait after a 429 with these headers. */
  const waitFor = (headers: Record<string, string>): number =>
    retryDelayMs(0, new Response(null, { status: 429, headers }));

  test.each([
    ['42', 42_000],
    [' 42 ', 42_000],
    ['0', 2_000],
    ['1', 2_000],
    ['2.5', 2_500],
    ['Mon, 23 Nov 2026 08:00:42 GMT', 42_000],
    ['Monday, 23-Nov-26 08:00:42 GMT', 42_000],
    ['Mon, 23 Nov 2026 07:00:00 GMT', 2_000],
  ])('%j means %d ms', (value, waitMs) => {
    expect(waitFor({ 'Retry-After': value })).toBe(waitMs);
  });

  test('as a date is read by the server’s clock where the reply tells it', () => {
    const headers = {
      'Retry-After': 'Mon, 23 Nov 2026 06:00:30 GMT',
      Date: 'Mon, 23 Nov 2026 06:00:00 GMT', // two hours behind ours
    };
    expect(waitFor(headers)).toBe(30_000);
    expect(waitFor({ ...headers, Date: 'junk' })).toBe(2_000);
  });

  test.each([
    '-1',
    '-42',
    '1e3',
    '0x2A',
    'soon',
    '7 apples',
    '42 seconds',
    '12, 13',
    'NaN',
    'Infinity',
    '99999999999999999999',
    'Mon, 99 Foo 2026 08:00:42 GMT',
    '{}',
  ])('that is %j is ignored', (value) => {
    const thrown = new Response(null, { status: 429, headers: { 'Retry-After': value } });
    expect(retryDelayMs(0, thrown)).toBe(2_000);
    expect(shouldRetry(0, thrown)).toBe(true);
  });

  test('counts for a 503 as well', () => {
    const headers = { 'Retry-After': '20' };
    expect(retryDelayMs(0, new Response(null, { status: 503, headers }))).toBe(20_000);
  });
});

describe('an invalid setting throws, and the error names it', () => {
  const bad: [keyof RetrySettings, unknown[]][] = [
    ['attempts', [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', {}]],
    ['minDelayMs', [-1, Number.NaN, Number.POSITIVE_INFINITY, '2000', {}]],
    ['maxDelayMs', [-1, Number.NaN, Number.POSITIVE_INFINITY, '2000', {}]],
    ['maxRetryAfterMs', [-1, Number.NaN, Number.POSITIVE_INFINITY, '2000', {}]],
  ];
  const cases = bad.flatMap(([name, values]) => values.map((value) => [name, value] as const));

  test.each(cases)('%s: %j', (name, value) => {
    const settings = { [name]: value } as RetrySettings;
    for (const use of [shouldRetry, retryDelayMs]) {
      expect(() => use(0, unavailable, settings)).toThrow(
        expect.toSatisfy(
          (error) =>
            isGuestTokenError(error) &&
            error.code === 'misconfigured' &&
            error.message.includes(`"retry.${name}"`),
        ),
      );
    }
  });

  test('minDelayMs above maxDelayMs', () => {
    const settings = { minDelayMs: 2_001, maxDelayMs: 2_000 };
    expect(() => shouldRetry(0, unavailable, settings)).toThrow(/retry\.minDelayMs/);
  });
});
