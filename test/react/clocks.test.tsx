import { describe, expect, test, vi } from 'vitest';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import {
  claims,
  DAY,
  type FakeSource,
  fakeSource,
  HOUR,
  MINUTE,
  type Page,
  pass,
  SECOND,
  showWidget,
  sleepMachine,
  withFakeTime,
} from './page.tsx';

withFakeTime();

/** A visitor whose clock is wrong, and a source whose clock is right. */
class WrongClock {
  #aheadMs: number;
  #endsAtTrueMs = new Map<string, number>();
  readonly source: FakeSource;

  constructor(aheadMs: number, lifeMs: number, withExpiresIn: boolean) {
    this.#aheadMs = aheadMs;
    this.source = fakeSource(() => {
      const iat = Math.floor(this.trueMs / SECOND);
      const lifeSeconds = lifeMs / SECOND;
      const token = fakeGuestToken({ iat, lifeSeconds });
      this.#endsAtTrueMs.set(token, iat * SECOND + lifeMs);
      return { id: 'guest-1', token, ...(withExpiresIn && { expires_in: lifeSeconds }) };
    });
  }

  get trueMs(): number {
    return Date.now() - this.#aheadMs;
  }

  /** The visitor sets the clock. */
  turnBy(ms: number): void {
    this.#aheadMs += ms;
    vi.setSystemTime(Date.now() + ms);
  }

  isOver(token: string | undefined): boolean {
    return token !== undefined && this.trueMs >= (this.#endsAtTrueMs.get(token) ?? 0);
  }

  /** Time passes; at each step the page must show no token that is over by true time. */
  async pass(page: Page, ms: number, stepMs = MINUTE): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      await pass(stepMs);
      expect(this.isOver(page.view.token)).toBe(false);
      expect(page.view.status).toBe('success');
      expect(this.isOver(await page.view.getToken())).toBe(false);
    }
  }
}

const offsets = [
  ['2 h ahead', 2 * HOUR],
  ['2 h behind', -2 * HOUR],
  ['2 days ahead', 2 * DAY],
  ['2 days behind', -2 * DAY],
] as const;
const lives = [
  ['one-hour', HOUR],
  ['one-day', DAY],
] as const;

for (const [offset, aheadMs] of offsets) {
  for (const [life, lifeMs] of lives) {
    for (const withExpiresIn of [true, false]) {
      const told = withExpiresIn ? 'expires_in' : 'the JWT only';
      test(`with a clock ${offset}, ${life} tokens with ${told} cost one request per life and are never used after they expire`, async () => {
        const world = new WrongClock(aheadMs, lifeMs, withExpiresIn);
        const page = showWidget({ source: world.source });
        await pass();
        await world.pass(page, 4.5 * lifeMs, lifeMs / 60);
        expect(world.source.requests).toHaveLength(5);
      });
    }
  }

  test(`a clock ${offset} emits one clock-skew event if only the JWT tells the time`, async () => {
    const world = new WrongClock(aheadMs, HOUR, false);
    const page = showWidget({ source: world.source });
    await pass();
    await world.pass(page, 3 * HOUR);
    const skews = page.events.filter(({ type }) => type === 'clock-skew');
    expect(skews).toHaveLength(1);
    expect(skews[0]).toMatchObject({ skewMs: expect.closeTo(aheadMs, -4) });
  });
}

test('a correct clock emits no clock-skew event', async () => {
  const world = new WrongClock(0, HOUR, false);
  const page = showWidget({ source: world.source });
  await pass();
  await world.pass(page, 5 * HOUR);
  expect(page.events.filter(({ type }) => type === 'clock-skew')).toEqual([]);
  expect(world.source.requests).toHaveLength(6);
});

test('a clock 2 h ahead is detected by the second one-day token, which is then used until it expires', async () => {
  const world = new WrongClock(2 * HOUR, DAY, false);
  const page = showWidget({ source: world.source });
  await pass();
  await world.pass(page, 3 * DAY, 10 * MINUTE);
  const [first, second, third] = world.source.askedAtMs;
  expect(Number(second) - Number(first)).toBe(22 * HOUR - MINUTE);
  expect(Number(third) - Number(second)).toBeGreaterThan(DAY - 2 * MINUTE);
  expect(page.events).toContainEqual(
    expect.objectContaining({ type: 'clock-skew', skewMs: expect.closeTo(2 * HOUR, -4) }),
  );
});

for (const withExpiresIn of [true, false]) {
  const told = withExpiresIn ? 'expires_in' : 'the JWT only';

  describe(`a clock set while the page is open, for tokens with ${told}`, () => {
    for (const backMs of [2 * HOUR, 2 * DAY]) {
      test(`a clock turned back by ${backMs / HOUR} h never prolongs a token and costs no extra request`, async () => {
        const world = new WrongClock(0, HOUR, withExpiresIn);
        const page = showWidget({ source: world.source });
        await pass();
        await world.pass(page, 30 * MINUTE);
        world.turnBy(-backMs);
        await world.pass(page, 3 * HOUR);
        expect(world.source.requests).toHaveLength(4);
      });

      test(`a clock turned forward by ${backMs / HOUR} h costs at most one extra request`, async () => {
        const world = new WrongClock(0, HOUR, withExpiresIn);
        const page = showWidget({ source: world.source });
        await pass();
        await world.pass(page, 30 * MINUTE);
        world.turnBy(backMs);
        await pass(30 * SECOND);
        await world.pass(page, 3 * HOUR);
        expect(world.source.requests.length).toBeLessThanOrEqual(5);
      });
    }

    test('sleep after the clock was turned back still counts towards the token’s age', async () => {
      const world = new WrongClock(0, HOUR, withExpiresIn);
      const page = showWidget({ source: world.source });
      await pass();
      world.turnBy(-2 * HOUR);
      await pass(30 * SECOND);
      const { token } = page.view;
      sleepMachine(90 * MINUTE);
      await pass(30 * SECOND);
      expect(page.view.token).not.toBe(token);
      await world.pass(page, 3 * HOUR);
      expect(world.source.requests.length).toBeLessThanOrEqual(5);
    });

    test('a clock turned back and forth again causes no request', async () => {
      const world = new WrongClock(0, DAY, withExpiresIn);
      const page = showWidget({ source: world.source });
      await pass();
      for (let n = 0; n < 10; n++) {
        world.turnBy(n % 2 ? -30 * MINUTE : 30 * MINUTE);
        await world.pass(page, MINUTE);
      }
      expect(world.source.requests).toHaveLength(1);
    });
  });
}

test('expiresAtMs is on the visitor’s clock even if that clock is wrong', async () => {
  const world = new WrongClock(2 * DAY, HOUR, false);
  const page = showWidget({ source: world.source });
  await pass();
  expect(Number(page.view.expiresAtMs) - Date.now()).toBe(HOUR);
  expect(claims(page.view.token)).toMatchObject({ exp: Math.floor(world.trueMs / SECOND) + 3600 });
});
