// A reply, read in the light of the token before it.
import { expect, test, vi } from 'vitest';
import { readClock } from '../../src/core/clock.ts';
import type { GuestToken } from '../../src/core/guestToken.ts';
import { readSuccessor } from '../../src/core/successor.ts';
import { fakeGuestToken } from '../../src/testing/index.ts';
import { withFakeClocks } from '../fakeClocks.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

withFakeClocks();

/** The answer to a request that begins now; `iat` by the issuer's clock, which is behind by `lateMs`. */
function answer(lateMs: number, more: { expires_in?: number } = {}) {
  const token = fakeGuestToken({ iat: (Date.now() - lateMs) / SECOND });
  return { id: 'guest', token, ...more };
}

function read(reply: unknown, before?: GuestToken, wasRejected = false): GuestToken {
  return readSuccessor(reply, before, wasRejected, { requestedAt: readClock() });
}

test('a token that was issued after the one before it tells how wrong the clock is', () => {
  const first = read(answer(10 * MINUTE));
  expect(first).toMatchObject({ clockSkewMs: 0, lifeMs: 50 * MINUTE });
  vi.advanceTimersByTime(MINUTE);
  expect(read(answer(10 * MINUTE), first)).toMatchObject({
    clockSkewMs: 10 * MINUTE,
    lifeMs: HOUR,
  });
});

test('a token whose life the reply names does not need to tell', () => {
  const first = read(answer(10 * MINUTE));
  vi.advanceTimersByTime(MINUTE);
  expect(read(answer(10 * MINUTE, { expires_in: 3_000 }), first)).toMatchObject({
    clockSkewMs: 0,
    lifeMs: 50 * MINUTE,
  });
});

test('a token that was issued before the one in hand is one of a pool, and tells nothing', () => {
  const first = read(answer(0));
  expect(read(answer(10 * MINUTE), first)).toMatchObject({
    clockSkewMs: 0,
    lifeMs: 50 * MINUTE,
  });
});

test('the token in hand comes back as itself while it has life', () => {
  const reply = answer(0);
  const first = read(reply);
  expect(read(reply, first)).toBe(first);
});

const unusable = expect.objectContaining({
  code: 'no_progress',
  message: expect.stringContaining('The token is over or was refused.'),
});

test('a token that was refused, or is over, must not come back', () => {
  const reply = answer(0);
  const first = read(reply);
  expect(() => read(reply, first, true)).toThrow(unusable);
  vi.advanceTimersByTime(HOUR);
  expect(() => read(reply, first)).toThrow(unusable);
});

test('a token that ran out on its way is an error', () => {
  const requestedAt = readClock();
  const reply = answer(0, { expires_in: 2 });
  vi.advanceTimersByTime(2 * SECOND);
  expect(() => readSuccessor(reply, undefined, false, { requestedAt })).toThrow(
    expect.objectContaining({
      code: 'expired',
      message: expect.stringContaining('The token is over.'),
    }),
  );
});
