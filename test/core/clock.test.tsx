// How long a token lives when clocks are wrong or are set meanwhile.
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { readTokenByClock } from '../../src/core/guestToken.ts';
import { type GuestToken, readGuestToken } from '../../src/core/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import {
  claims,
  DAY,
  fakeSource,
  HOUR,
  MINUTE,
  pass,
  SECOND,
  showWidget,
  withFakeTime,
} from '../react/page.tsx';

withFakeTime();

/** A JWT of `lifeMs` that was issued `agoMs` ago by a clock that this machine is `aheadMs` ahead of. */
function jwt(lifeMs: number, { aheadMs = 0, agoMs = 0 } = {}): string {
  const iat = Math.floor((Date.now() - aheadMs - agoMs) / SECOND);
  return fakeGuestToken({ iat, lifeSeconds: lifeMs / SECOND, jti: Math.random() });
}

function read(token: string): GuestToken {
  return readGuestToken({ id: 'guest-1', token });
}

describe('life', () => {
  test('counts from the start of the request, given as an instant or as epoch ms', () => {
    const reply = { id: 'guest-1', token: 'opaque', expires_in: 60 };
    const startedAtMs = Date.now();
    const { requestedAt } = readGuestToken(reply);
    vi.advanceTimersByTime(8 * SECOND);
    for (const start of [requestedAt, startedAtMs]) {
      const token = readGuestToken(reply, { requestedAt: start });
      expect(token.expiresAtMs).toBe(startedAtMs + MINUTE);
      expect(token.remainingMs()).toBe(52 * SECOND);
    }
    expect(readGuestToken(reply).remainingMs()).toBe(MINUTE);
  });

  test('of a token that was pooled for a while is what is left of it', () => {
    const token = read(jwt(HOUR, { agoMs: 40 * MINUTE }));
    expect(token).toMatchObject({ lifeMs: 20 * MINUTE, clockSkewMs: 0 });
  });

  test.each([
    ['two hours ahead', 2 * HOUR],
    ['two days ahead', 2 * DAY],
    ['two hours behind', -2 * HOUR],
    ['two days behind', -2 * DAY],
  ])('of a new token is whole on a machine whose clock is %s', (_how, aheadMs) => {
    const token = read(jwt(HOUR, { aheadMs }));
    expect(token).toMatchObject({
      lifeMs: HOUR,
      expiresAtMs: Date.now() + HOUR,
      clockSkewMs: aheadMs,
    });
  });

  test('does not depend on that clock at all where expires_in is given', () => {
    for (const aheadMs of [2 * DAY, -2 * DAY]) {
      const reply = { id: 'guest-1', token: jwt(HOUR, { aheadMs }), expires_in: 900 };
      expect(readGuestToken(reply)).toMatchObject({ lifeMs: 15 * MINUTE, clockSkewMs: 0 });
    }
  });

  test('of a token without iat counts from created_time where the clock is wrong', () => {
    const trueNowMs = Date.now() - 2 * DAY;
    const payload = JSON.stringify({ exp: (trueNowMs + HOUR) / SECOND });
    const token = `e30.${btoa(payload)}.x`;
    const created_time = new Date(trueNowMs).toISOString();
    expect(readGuestToken({ id: 'guest-1', token, created_time })).toMatchObject({
      lifeMs: HOUR,
      clockSkewMs: 2 * DAY,
    });
  });

  test('of a pooled token is right where it is known how far this clock is ahead', () => {
    const token = jwt(HOUR, { aheadMs: 2 * DAY, agoMs: 40 * MINUTE });
    expect(readTokenByClock({ id: 'guest-1', token }, {}, 2 * DAY)).toMatchObject({
      lifeMs: 20 * MINUTE,
      clockSkewMs: 2 * DAY,
    });
  });

  test('of a new token is whole where what was known of this clock is wrong by now', () => {
    const token = jwt(HOUR, { aheadMs: 2 * DAY });
    expect(readTokenByClock({ id: 'guest-1', token }, {}, 2 * HOUR)).toMatchObject({
      lifeMs: HOUR,
      clockSkewMs: 2 * DAY, // of the clock as it is
    });
  });

  test('of a token that seems to be issued in some seconds is no longer than the token says', () => {
    const token = read(jwt(HOUR, { aheadMs: -5 * SECOND }));
    expect(token).toMatchObject({ lifeMs: HOUR, clockSkewMs: -5 * SECOND });
  });
});

describe('a token stays over at its end', () => {
  function tokenOf(lifeMs: number): GuestToken {
    return readGuestToken({ id: 'guest-1', token: 'opaque', expires_in: lifeMs / SECOND });
  }
  const turnClock = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

  test('when the clock is turned back meanwhile', () => {
    const token = tokenOf(HOUR);
    vi.advanceTimersByTime(HOUR / 2);
    turnClock(-3 * DAY);
    expect(token.isExpired()).toBe(false);
    vi.advanceTimersByTime(HOUR / 2 - 1);
    expect(token.isExpired()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(token.isExpired()).toBe(true);
    turnClock(-3 * DAY);
    expect(token.isExpired()).toBe(true);
  });

  test('when the clock is turned back and the start of the request was given as epoch ms', () => {
    const startedAtMs = Date.now();
    vi.advanceTimersByTime(HOUR / 2);
    const reply = { id: 'guest-1', token: 'opaque', expires_in: HOUR / SECOND };
    const token = readGuestToken(reply, { requestedAt: startedAtMs });
    turnClock(-DAY);
    vi.advanceTimersByTime(HOUR / 2);
    expect(token.isExpired()).toBe(true);
  });

  test('when the machine slept and no monotonic time has passed', () => {
    const token = tokenOf(HOUR);
    turnClock(HOUR);
    expect(token.isExpired()).toBe(true);
  });

  test('when the clock was turned back and the machine slept then', () => {
    const token = tokenOf(HOUR);
    turnClock(-DAY);
    expect(token.isExpired()).toBe(false);
    turnClock(HOUR); // asleep
    expect(token.isExpired()).toBe(true);
  });

  test('and ages by no more than the time that has passed, however often it is read', () => {
    const token = tokenOf(HOUR);
    for (let n = 0; n < 3_599; n++) {
      vi.advanceTimersByTime(SECOND);
      expect(token.isExpired()).toBe(false);
    }
    vi.advanceTimersByTime(SECOND);
    expect(token.isExpired()).toBe(true);
  });
});

describe('a visitor whose clock is wrong', () => {
  let aheadMs = 0;
  const trueNowMs = (): number => Date.now() - aheadMs;
  beforeEach(() => {
    aheadMs = 0;
  });

  /** JWTs by the issuer's right clock, with nothing else to go by. */
  function issuer(lifeMs: number) {
    let jti = 0;
    return fakeSource(() => {
      const iat = Math.floor(trueNowMs() / SECOND);
      const token = fakeGuestToken({ iat, lifeSeconds: lifeMs / SECOND, jti: ++jti });
      return { id: 'guest-1', token };
    });
  }

  /** When a token ends, by the true time. */
  function trueEndMs(token: string | undefined): number {
    return JSON.parse(atob(token?.split('.')[1] ?? '')).exp * SECOND;
  }

  for (const [life, lifeMs] of [
    ['an hour', HOUR],
    ['a day', DAY],
  ] as const) {
    for (const offsetMs of [2 * HOUR, -2 * HOUR, 2 * DAY, -2 * DAY]) {
      test(`by ${offsetMs / HOUR} h costs one request per life of ${life}, and no token is shown past its true end`, async () => {
        aheadMs = offsetMs;
        const source = issuer(lifeMs);
        const page = showWidget({ source });
        await pass();
        const steps = 8 * 6;
        for (let step = 0; step < steps; step++) {
          await pass(lifeMs / 6);
          expect(page.view.status).toBe('success');
          expect(trueEndMs(page.view.token)).toBeGreaterThan(trueNowMs());
        }
        // eight lives, each used but for its last minute; one more at most until the clock is known
        expect(source.requests.length).toBeLessThanOrEqual(10);
        const skews = page.events.filter(({ type }) => type === 'clock-skew');
        expect(skews).toEqual([expect.objectContaining({ skewMs: offsetMs })]);
      });
    }
  }

  test('by a few minutes costs at most one request more per life, with pooled tokens too', async () => {
    aheadMs = 4 * MINUTE;
    const source = issuer(HOUR);
    const page = showWidget({ source });
    await pass(8 * HOUR);
    expect(page.view.status).toBe('success');
    expect(source.requests.length).toBeLessThanOrEqual(16);
  });

  test('by nothing at all gets no clock-skew event', async () => {
    const page = showWidget({ source: issuer(HOUR) });
    await pass(3 * HOUR);
    expect(page.events.filter(({ type }) => type === 'clock-skew')).toEqual([]);
    expect(claims(page.view.token).jti).toBeGreaterThan(3);
  });

  test('who turns it back over and over is shown no token that is over', async () => {
    const source = issuer(10 * MINUTE);
    const page = showWidget({ source });
    await pass();
    for (let turn = 0; turn < 12; turn++) {
      await pass(3 * MINUTE);
      vi.setSystemTime(Date.now() - 2 * HOUR);
      aheadMs -= 2 * HOUR;
      await pass(31 * SECOND);
      expect(page.view.status).toBe('success');
      expect(trueEndMs(page.view.token)).toBeGreaterThan(trueNowMs());
    }
    // 42 minutes
    expect(source.requests.length).toBeLessThanOrEqual(7);
  });
});
