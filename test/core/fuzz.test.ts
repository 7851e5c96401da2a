// Any input becomes a token or an error of ours, and no error repeats the input.
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  endpointTokenSource,
  type GuestToken,
  isGuestTokenError,
  readGuestToken,
  retryDelayMs,
  shouldRetry,
} from '../../src/core/index.ts';
import { jwtOf } from './replies.ts';

const SEED = 20261123;
const NOW_S = Date.UTC(2026, 10, 23, 8) / 1_000;
/** Stands in every string that comes in, so that it is found where it should not be. */
const MARK = 's3cr3t!'; // which no contextId may hold

// the clock stands still, since some of these tokens live for less than a millisecond
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: NOW_S * 1_000 });
});
afterEach(() => vi.useRealTimers());

const marked = fc.string({ maxLength: 12, unit: 'binary' }).map((text) => MARK + text);
const oddNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, 1e308, 2 ** 31, 2 ** 53, NOW_S + 60, NOW_S - 60),
);
const oddValue = fc.oneof(
  oddNumber,
  marked,
  fc.anything({ maxDepth: 1, withNullPrototype: true, withBigInt: true, withDate: true }),
);

const payload = fc.oneof(
  { weight: 4, arbitrary: fc.record({ exp: oddNumber, iat: oddNumber }, { requiredKeys: [] }) },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const jwt = fc.oneof(
  payload.map((claims) => jwtOf(JSON.stringify(claims))),
  marked.map(jwtOf),
  fc.tuple(marked, marked, marked).map((parts) => parts.join('.')),
);
const createdTime = fc.oneof(
  fc
    .date({ noInvalidDate: true, min: new Date('1970-01-01'), max: new Date('9999-12-31') })
    .map((date) => date.toISOString()),
  marked,
);

/** Mostly replies that are nearly right, since those get furthest. */
const reply = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        id: fc.oneof({ weight: 5, arbitrary: fc.constant('guest-1') }, oddValue),
        token: fc.oneof({ weight: 5, arbitrary: jwt }, { weight: 1, arbitrary: oddValue }),
        expires_in: fc.oneof(oddNumber, oddValue),
        created_time: fc.oneof(createdTime, oddValue),
        state: oddValue,
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.anything({ withNullPrototype: true, withMap: true, withSet: true }) },
);

function expectToken(token: GuestToken): void {
  expect(token.value).toMatch(/^[\x21-\x7e]+$/);
  expect(token.visitorId.trim()).not.toBe('');
  expect(Number.isFinite(token.lifeMs) && token.lifeMs > 0).toBe(true);
  expect(token.bufferMs).toBeLessThanOrEqual(token.lifeMs * 0.2);
  expect([token.isExpired(), token.isStale()]).toEqual([false, false]);
  // shorter ones may be a part of any word
  if (token.value.length > 8) {
    expect(inspect(token, { depth: null, showHidden: true })).not.toContain(token.value);
  }
}

function expectTyped(error: unknown): void {
  expect(isGuestTokenError(error), inspect(error)).toBe(true);
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain(MARK);
  // and it can be acted upon
  expect(shouldRetry(0, error)).toBeTypeOf('boolean');
  expect(retryDelayMs(0, error)).toBeGreaterThanOrEqual(0);
}

test('any reply becomes a valid token or a GuestTokenError', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(reply, fc.option(oddNumber, { nil: undefined }), (anything, fallbackTtlMs) => {
      let token: GuestToken;
      try {
        const ttl = fallbackTtlMs !== undefined && fallbackTtlMs > 0 && fallbackTtlMs < 1e15;
        token = readGuestToken(anything, ttl ? { fallbackTtlMs } : {});
      } catch (error) {
        expectTyped(error);
        return;
      }
      expectToken(token);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

const headerText = fc.oneof(
  fc.string({ maxLength: 20 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
  oddNumber.map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
);
const body = fc.oneof(
  { weight: 4, arbitrary: reply.map((value) => jsonOf(value)) },
  {
    weight: 2,
    arbitrary: fc
      .record(
        { code: oddValue, contextId: oddValue, retryAfter: oddValue, message: marked },
        { requiredKeys: [] },
      )
      .map(jsonOf),
  },
  { weight: 1, arbitrary: marked.map((text) => `<!doctype html>${text}`) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '{'; // a bigint
  }
}

test('any HTTP response becomes a valid token or a GuestTokenError', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 599 })),
      fc.record({ 'Retry-After': headerText, Date: headerText }, { requiredKeys: [] }),
      body,
      async (status, headers, content) => {
        const empty = [204, 205, 304].includes(status);
        const bytes = typeof content === 'string' ? content : new Uint8Array(content);
        const source = endpointTokenSource('/api/guest-token', {
          fetch: async () => new Response(empty ? null : bytes, { status, headers }),
        });
        const asked = { externalId: 'x', channelId: 'y', attributes: {}, fresh: false };
        let token: GuestToken;
        try {
          token = readGuestToken(await source(asked, { signal: new AbortController().signal }));
        } catch (error) {
          expectTyped(error);
          return;
        }
        expectToken(token);
      },
    ),
    { seed: SEED, numRuns: 2_000 },
  );
});
