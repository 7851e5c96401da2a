// The states that a session can be in, by name, and what they are made of.
import type { Instant } from '../../src/core/clock.ts';
import { GuestTokenError } from '../../src/core/errors.ts';
import { GuestToken } from '../../src/core/guestToken.ts';
import { initialState, type SessionState } from '../../src/session/state.ts';
import { openThrottle, type Throttle } from '../../src/session/throttle.ts';

/** The two clocks differ, so that a test notices when one is taken for the other. */
export const now: Instant = { wallMs: Date.UTC(2026, 10, 23, 8), monotonicMs: 500_000 };

/** The same moment, `delayMs` later. */
export function later(delayMs: number): Instant {
  return { wallMs: now.wallMs + delayMs, monotonicMs: now.monotonicMs + delayMs };
}

type Fields = ConstructorParameters<typeof GuestToken>[1];

/** A token of an hour, due a minute before its end, that was requested at `now`. */
export function makeToken(visitorId: string, fields: Partial<Fields> = {}): GuestToken {
  return new GuestToken(`token-of-${visitorId}`, {
    visitorId,
    requestedAt: now,
    lifeMs: 3_600_000,
    bufferMs: 60_000,
    expirySource: 'jwt',
    issuedAtMs: now.wallMs,
    clockSkewMs: 0,
    ...fields,
  });
}

export const token = makeToken('first');

export const failed = new GuestTokenError('unavailable', 'It failed.');

/** The server said when to come again. */
export const busy = new GuestTokenError('rate_limited', 'Busy.', {
  retryAtMs: now.wallMs + 20_000,
});

const pause = { until: later(20_000).monotonicMs, endsAtMs: later(20_000).wallMs, isNamed: false };
const held = { token, bufferMs: token.bufferMs, isRejected: false };
const withToken = { held, latest: token } satisfies Partial<SessionState>;

function throttled(part: Partial<Throttle>): Throttle {
  return { ...openThrottle, ...part };
}

function stateOf(part: Partial<SessionState>): SessionState {
  return deepFreeze({ ...initialState, ...part });
}

const coolingDown = {
  failure: { error: failed, isFinal: true },
  throttle: throttled({ pause, failures: 2 }),
} satisfies Partial<SessionState>;

export type StateName = keyof typeof states;

/** Frozen all through: whoever changes one throws. */
export const states = {
  'nothing has happened yet': stateOf({}),
  'a provider waits': stateOf({ isWatched: true }),
  'the first token is being acquired': stateOf({
    isWatched: true,
    acquisition: { failedAttempts: 0 },
  }),
  'the first attempt has failed': stateOf({
    isWatched: true,
    acquisition: { failedAttempts: 1 },
    failure: { error: failed, isFinal: false },
    throttle: throttled({ pause, failedAttempts: 1, requests: [later(59_000).monotonicMs] }),
  }),
  'an attempt has failed and no provider is left': stateOf({
    acquisition: { failedAttempts: 1 },
    failure: { error: failed, isFinal: false },
    throttle: throttled({ pause, failedAttempts: 1 }),
  }),
  'a token is in hand': stateOf({ isWatched: true, ...withToken }),
  'a token is in hand and no provider is left': stateOf(withToken),
  'the token is being renewed': stateOf({
    isWatched: true,
    ...withToken,
    acquisition: { failedAttempts: 0 },
  }),
  'a server has refused the token': stateOf({
    isWatched: true,
    held: { ...held, isRejected: true },
    latest: token,
  }),
  'refused tokens are not replaced for now': stateOf({
    isWatched: true,
    ...withToken,
    throttle: throttled({ refusals: 1, refusedUntil: later(30_000).monotonicMs }),
  }),
  'the token has run out': stateOf({ isWatched: true, latest: token }),
  'a cool-down is on': stateOf({ isWatched: true, ...coolingDown }),
  'a cool-down is on and no provider is left': stateOf(coolingDown),
  'a cool-down is on while a token is in hand': stateOf({
    isWatched: true,
    ...withToken,
    ...coolingDown,
  }),
  'a pause of a length that the server named is on': stateOf({
    isWatched: true,
    failure: { error: busy, isFinal: true },
    throttle: throttled({ pause: { ...pause, isNamed: true }, failures: 1 }),
  }),
  'a cool-down has just ended': stateOf({
    isWatched: true,
    failure: { error: failed, isFinal: true },
    throttle: throttled({
      pause: { ...pause, until: now.monotonicMs, endsAtMs: now.wallMs },
      failures: 1,
    }),
  }),
  'the page is offline': stateOf({ isWatched: true, isOnline: false }),
  'the page is offline after a failure': stateOf({
    isWatched: true,
    isOnline: false,
    ...coolingDown,
  }),
  'the page is back from the back/forward cache': stateOf({
    isWatched: true,
    isUnconfirmed: true,
    latest: token,
  }),
  'the visitor has signed out': stateOf({ isSignedOut: true }),
  'the visitor has signed out while a provider shows the session': stateOf({
    isWatched: true,
    isSignedOut: true,
  }),
};

/** Freezes a value and everything in it. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}

/** `states` as a table for `test.each`. */
export function eachState(): [StateName, SessionState][] {
  return Object.entries(states) as [StateName, SessionState][];
}
