// What the timeline shows of a token's life.
import { expect, test } from 'vitest';
import type { GuestTokenEvent, GuestTokenEventDetail } from '../../src/core/events.ts';
import { timelineOf } from '../../src/devtools/timeline.ts';
import { later, now, states } from '../session/states.ts';

const MINUTE = 60_000;

/** An event, some time after the token was requested. */
function event(inMs: number, detail: GuestTokenEventDetail): GuestTokenEvent {
  return { ...detail, atMs: now.wallMs + inMs, identity: '1' };
}

const code = 'unavailable';
const attempt = (inMs: number) => event(inMs, { type: 'acquiring', attempt: 1, fresh: true });

test('a token’s life goes from its request to its end, in two parts', () => {
  const {
    fresh,
    stale,
    now: place,
  } = timelineOf(states['a token is in hand'], [], later(30 * MINUTE));
  expect(fresh).toEqual({ from: 0, to: 59 / 60 });
  expect(stale).toEqual({ from: 59 / 60, to: 1 });
  expect(place).toBe(0.5);
});

test('attempts, tokens, failures and other tabs are marked where they happened', () => {
  const { marks } = timelineOf(
    states['a token is in hand'],
    [
      attempt(-1),
      attempt(6 * MINUTE),
      event(12 * MINUTE, { type: 'retrying', attempt: 1, delayMs: 0, code }),
      event(18 * MINUTE, { type: 'shared', expiresAtMs: 0 }),
      event(24 * MINUTE, { type: 'rejected' }),
      event(30 * MINUTE, { type: 'acquired', attempt: 1, lifeMs: 0, expiresAtMs: 0 }),
      event(30 * MINUTE, { type: 'storage-failed' }),
    ],
    later(30 * MINUTE),
  );
  expect(marks).toEqual([
    { kind: 'attempt', at: 0.1 },
    { kind: 'failure', at: 0.2 },
    { kind: 'other-tab', at: 0.3 },
    { kind: 'refused', at: 0.4 },
    { kind: 'token', at: 0.5 },
  ]);
});

test('a wait lasts from the failure to the next attempt', () => {
  const { waits } = timelineOf(
    states['a token is in hand'],
    [
      event(6 * MINUTE, { type: 'retrying', attempt: 1, delayMs: 6 * MINUTE, code }),
      event(30 * MINUTE, { type: 'failed', code, retryAtMs: now.wallMs + 36 * MINUTE }),
      event(42 * MINUTE, { type: 'failed', code, retryAtMs: undefined }),
    ],
    later(45 * MINUTE),
  );
  expect(waits).toEqual([
    { from: 0.1, to: 0.2 },
    { from: 0.5, to: 0.6 },
  ]);
});

test('without a token the timeline shows the last minute and the pause to come', () => {
  const {
    fresh,
    now: place,
    marks,
    text,
  } = timelineOf(states['a cool-down is on'], [attempt(-40_000)], now);
  expect(fresh).toBeUndefined();
  expect(place).toBe(0.75);
  expect(marks).toEqual([{ kind: 'attempt', at: 0.25 }]);
  expect(text).toBe('There is no token.');
});

test('the words say what is over', () => {
  expect(timelineOf(states['a token is in hand'], [], later(59.5 * MINUTE)).text).toBe(
    'The token was issued 59 min 30 s ago. Its refresh point was 30 s ago. Its end is in 30 s.',
  );
});
