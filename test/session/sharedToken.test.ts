// A token on its way to another tab or over a page load.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isNewer, receiveToken, shareToken } from '../../src/session/sharedToken.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { makeToken, now } from './states.ts';

const BUFFER_MS = 60_000;
const ISSUED_AT_S = now.wallMs / 1000;

beforeEach(() => {
  vi.useFakeTimers({ now: now.wallMs });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a tab tells of a token of an hour that it requested ten minutes ago. */
function told(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 'first',
    token: fakeGuestToken({ sub: 'first', iat: ISSUED_AT_S - 600 }),
    expires_in: 3_600,
    created_time: undefined,
    requestedAtMs: now.wallMs - 600_000,
    elapsedMs: 600_000,
    toldAtMs: now.wallMs,
    ...changes,
  };
}

function remainingMs(shared: unknown): number | undefined {
  return receiveToken(shared, BUFFER_MS)?.remainingMs();
}

describe('what is told of a token', () => {
  test('is its reply, its whole life and how much of that is over', () => {
    const token = receiveToken(told(), BUFFER_MS);
    vi.advanceTimersByTime(5_000);
    expect(token && shareToken(token)).toEqual({
      ...told(),
      created_time: new Date(now.wallMs - 600_000).toISOString(),
      elapsedMs: 605_000,
      toldAtMs: now.wallMs + 5_000,
    });
  });

  test('leaves out a time of issue that nobody knows', () => {
    expect(shareToken(makeToken('opaque', { issuedAtMs: undefined })).created_time).toBeUndefined();
  });

  test('survives JSON, and comes back as the same token', () => {
    const token = receiveToken(told(), BUFFER_MS);
    const shared: unknown = JSON.parse(JSON.stringify(token && shareToken(token)));
    const received = receiveToken(shared, BUFFER_MS);
    expect(received).toEqual(token);
    expect(received?.value).toBe(told().token);
  });
});

describe('the life of a received token', () => {
  test('is what was left when it was told', () => {
    expect(remainingMs(told())).toBe(3_000_000);
  });

  test('is shorter by the time it was on its way', () => {
    expect(remainingMs(told({ toldAtMs: now.wallMs - 1_000 }))).toBe(2_999_000);
  });

  // Firefox blurs the clock of each process differently.
  test.each([1, 1_000])('is what was left, told by a tab whose clock is %i ms ahead', (aheadMs) => {
    expect(remainingMs(told({ toldAtMs: now.wallMs + aheadMs }))).toBe(3_000_000);
  });

  test('is not longer where the wall clock was turned back after the request', () => {
    expect(remainingMs(told({ requestedAtMs: now.wallMs + 86_400_000 }))).toBe(3_000_000);
  });

  test('has the buffer of the tab that received it', () => {
    expect(receiveToken(told(), 120_000)?.bufferMs).toBe(120_000);
  });
});

describe('no token comes of', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'token'],
    ['an empty object', {}],
    ['a token that is over', told({ elapsedMs: 3_600_000 })],
    ['a token that ran out on its way', told({ toldAtMs: now.wallMs - 3_000_000 })],
    ['a message from the future', told({ toldAtMs: now.wallMs + 1_001 })],
    ['a message without a time', told({ toldAtMs: undefined })],
    ['a request without a time', told({ requestedAtMs: undefined })],
    ['a request whose time is no number', told({ requestedAtMs: 'now' })],
    ['a negative age', told({ elapsedMs: -1 })],
    ['an unknown age', told({ elapsedMs: undefined })],
    ['a life without end', told({ expires_in: Number.POSITIVE_INFINITY })],
    ['an unknown life', told({ expires_in: undefined })],
    ['a life in words', told({ expires_in: '3600' })],
    ['a token without a visitor', told({ id: undefined })],
    ['a visitor without a token', told({ token: undefined })],
    ['a token that would split a header', told({ token: 'a\r\nb' })],
  ])('%s', (_what, shared) => {
    expect(receiveToken(shared, BUFFER_MS)).toBeUndefined();
  });

  test('an object whose fields throw', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('No.');
        },
      },
    );
    expect(receiveToken(hostile, BUFFER_MS)).toBeUndefined();
  });
});

describe('of two tokens the newer one', () => {
  const older = { issuedAtMs: now.wallMs - 1_000 };
  const requestedEarlier = { requestedAt: { ...now, wallMs: now.wallMs - 1 } };

  test.each([
    { why: 'was issued later', newer: makeToken('b'), old: makeToken('a', older) },
    {
      why: 'was issued later, though it was requested earlier',
      newer: makeToken('a', requestedEarlier),
      old: makeToken('b', older),
    },
    {
      why: 'was requested later, if both were issued in the same second',
      newer: makeToken('a'),
      old: makeToken('b', requestedEarlier),
    },
    {
      why: 'was requested later, if nobody knows when they were issued',
      newer: makeToken('a', { issuedAtMs: undefined }),
      old: makeToken('b', { issuedAtMs: undefined, ...requestedEarlier }),
    },
    {
      why: 'says when it was issued',
      newer: makeToken('a', requestedEarlier),
      old: makeToken('b', { issuedAtMs: undefined }),
    },
    {
      why: 'is the same in every tab, even if nothing else tells them apart',
      newer: makeToken('b'),
      old: makeToken('a'),
    },
  ])('$why', ({ newer, old }) => {
    expect([isNewer(newer, old), isNewer(old, newer)]).toEqual([true, false]);
  });

  test('is never the token itself', () => {
    expect(isNewer(makeToken('a'), makeToken('a'))).toBe(false);
  });
});
