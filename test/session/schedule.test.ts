// What a session does next by itself, and when.
import { describe, expect, test } from 'vitest';
import { type KeepFresh, nextTask, type Task, untilDueMs } from '../../src/session/schedule.ts';
import { initialState, type SessionState } from '../../src/session/state.ts';
import { eachState, later, makeToken, now, type StateName, states, token } from './states.ts';

const nothing = undefined;
const acquire: Task = { name: 'acquire', inMs: 0 };
const renew: Task = { name: 'acquire', inMs: 3_540_000 };
const dropToken: Task = { name: 'drop-token', inMs: 3_600_000 };
const endPause: Task = { name: 'end-pause', inMs: 20_000 };
const endPauseNow: Task = { name: 'end-pause', inMs: 0 };

interface Row {
  /** Where tokens are to be kept fresh now. */
  readonly wanted: Task | undefined;
  /** Where they are acquired on demand, or the page is hidden. */
  readonly unwanted: Task | undefined;
}

const table: Readonly<Record<StateName, Row>> = {
  // Without a provider nobody has asked.
  'nothing has happened yet': { wanted: nothing, unwanted: nothing },
  'a provider waits': { wanted: acquire, unwanted: nothing },
  'the first token is being acquired': { wanted: nothing, unwanted: nothing },
  'the first attempt has failed': { wanted: endPause, unwanted: endPause },
  'an attempt has failed and no provider is left': { wanted: endPause, unwanted: endPause },
  'a token is in hand': { wanted: renew, unwanted: dropToken },
  'a token is in hand and no provider is left': { wanted: dropToken, unwanted: dropToken },
  'the token is being renewed': { wanted: dropToken, unwanted: dropToken },
  'a server has refused the token': { wanted: acquire, unwanted: dropToken },
  'refused tokens are not replaced for now': { wanted: renew, unwanted: dropToken },
  'the token has run out': { wanted: acquire, unwanted: nothing },
  // The pause goes first; what follows it comes at the next look.
  'a cool-down is on': { wanted: endPause, unwanted: endPause },
  'a cool-down is on and no provider is left': { wanted: endPause, unwanted: endPause },
  'a cool-down is on while a token is in hand': { wanted: endPause, unwanted: endPause },
  'a pause of a length that the server named is on': { wanted: endPause, unwanted: endPause },
  'a cool-down has just ended': { wanted: endPauseNow, unwanted: endPauseNow },
  // Once, so that components see the failure.
  'the page is offline': { wanted: acquire, unwanted: nothing },
  'the page is offline after a failure': { wanted: endPause, unwanted: endPause },
  'the page is back from the back/forward cache': { wanted: acquire, unwanted: nothing },
  'the visitor has signed out': { wanted: nothing, unwanted: nothing },
  'the visitor has signed out while a provider shows the session': {
    wanted: nothing,
    unwanted: nothing,
  },
};

const conditions: readonly [KeepFresh, 'visible' | 'hidden', keyof Row][] = [
  ['while-visible', 'visible', 'wanted'],
  ['while-visible', 'hidden', 'unwanted'],
  ['always', 'visible', 'wanted'],
  ['always', 'hidden', 'wanted'],
  ['on-demand', 'visible', 'unwanted'],
  ['on-demand', 'hidden', 'unwanted'],
];

describe.each(conditions)(
  'with keepFresh "%s" on a %s page, the next task',
  (keepFresh, page, column) => {
    test.each(eachState())('in the state "%s"', (name, state) => {
      expect(nextTask(state, keepFresh, page === 'visible', now)).toEqual(table[name][column]);
    });
  },
);

/** The next task of a watched session on a visible page. */
function next(part: Partial<SessionState>, at = now): Task | undefined {
  const state = { ...initialState, isWatched: true, ...part };
  return nextTask(state, 'while-visible', true, at);
}

const { held } = states['a token is in hand'];
const { throttle } = states['a cool-down is on'];

describe('the earliest task comes first:', () => {
  test('a renewal that was due while the page slept is due now', () => {
    expect(next({ held }, later(3_545_000))).toEqual({ name: 'acquire', inMs: 0 });
  });

  test('a token that is over is dropped before another one is acquired', () => {
    expect(next({ held }, later(3_600_001))).toEqual({ name: 'drop-token', inMs: -1 });
  });

  test('a token that ends as its renewal is due is dropped first', () => {
    const endless = held && { ...held, bufferMs: 0 };
    expect(next({ held: endless }, later(3_600_000))).toEqual({ name: 'drop-token', inMs: 0 });
  });

  test('a token that is over is dropped before a pause that is over ends', () => {
    const at = later(3_600_000);
    expect(next({ held, throttle }, at)).toEqual({ name: 'drop-token', inMs: 0 });
  });

  test('a token that runs out during a pause is dropped before the pause ends', () => {
    const short = makeToken('short', { lifeMs: 10_000, bufferMs: 2_000 });
    const shortHeld = { token: short, bufferMs: 2_000, isRejected: false };
    expect(next({ held: shortHeld, throttle })).toEqual({ name: 'drop-token', inMs: 10_000 });
  });

  test('a pause that is over ends before a token is acquired', () => {
    expect(next({ throttle }, later(20_000))).toEqual({ name: 'end-pause', inMs: 0 });
    expect(next({ throttle }, later(25_000))).toEqual({ name: 'end-pause', inMs: -5_000 });
  });
});

test('offline, a session that has failed waits for the network, however long its pause is over', () => {
  const { failure } = states['a cool-down is on'];
  expect(next({ isOnline: false, failure })).toBeUndefined();
  expect(next({ isOnline: true, failure })).toEqual(acquire);
});

describe('an acquisition that nobody has asked for is due', () => {
  test.each<{ when: string; part: Partial<SessionState>; inMs: number }>([
    { when: 'now, without a token', part: {}, inMs: 0 },
    { when: 'a buffer before the end of a token', part: { held }, inMs: 3_540_000 },
    {
      when: 'now, where a server has refused the token',
      part: { held: states['a server has refused the token'].held },
      inMs: 0,
    },
    { when: 'at the end of a pause, without a token', part: { throttle }, inMs: 20_000 },
    {
      when: 'a buffer before the end of a token, where a pause ends sooner',
      part: { held, throttle },
      inMs: 3_540_000,
    },
    {
      when: 'at the end of a pause, where a server has refused the token',
      part: { held: states['a server has refused the token'].held, throttle },
      inMs: 20_000,
    },
  ])('$when', ({ part, inMs }) => {
    expect(untilDueMs({ ...initialState, ...part }, now)).toBe(inMs);
  });

  test('sooner where the buffer was made longer for a token that was handed back', () => {
    const handedBack = { token, bufferMs: 1_800_000, isRejected: false };
    expect(untilDueMs({ ...initialState, held: handedBack }, now)).toBe(1_800_000);
  });
});
