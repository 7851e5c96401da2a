// What each event changes in each state, and what components see of it.
import { describe, expect, test } from 'vitest';
import type { GuestToken } from '../../src/core/guestToken.ts';
import {
  initialState,
  reduce,
  type SessionEvent,
  type SessionState,
} from '../../src/session/state.ts';
import { openThrottle, type Throttle } from '../../src/session/throttle.ts';
import { type GuestTokenState, idleView, pendingView, viewOf } from '../../src/session/view.ts';
import {
  busy,
  deepFreeze,
  eachState,
  failed,
  later,
  makeToken,
  now,
  type StateName,
  states,
  token,
} from './states.ts';

type Event<Type extends SessionEvent['type']> = Extract<SessionEvent, { readonly type: Type }>;

/** What is different afterwards; of the throttle, too, only what is different. */
type Change = Partial<Omit<SessionState, 'throttle'>> & { readonly throttle?: Partial<Throttle> };

/** Not even a new object, so that nobody is notified. */
const same = 'the same object';

interface Row<Type extends SessionEvent['type']> {
  readonly event: Event<Type>;
  /** Completes the sentence "the event …, where …". */
  readonly when?: string;
  readonly changes: Change | typeof same;
  readonly except?: { readonly [Name in StateName]?: Change | typeof same };
}

// --- what several rows share

const newer = makeToken('second');
const withNewer = withTokenChange(newer, newer.bufferMs);
/** Handed back again: asked for again at half of what is left of its hour. */
const withSame = withTokenChange(token, 1_800_000);
const whereItIsKnown = [
  'a token is in hand',
  'a token is in hand and no provider is left',
  'the token is being renewed',
  'a server has refused the token',
  'refused tokens are not replaced for now',
  'the token has run out',
  'a cool-down is on while a token is in hand',
] satisfies StateName[];

function withTokenChange(held: GuestToken, bufferMs: number): Change {
  return {
    held: { token: held, bufferMs, isRejected: false },
    latest: held,
    isUnconfirmed: false,
    failure: undefined,
    acquisition: undefined,
    throttle: { pause: undefined, failures: 0, failedAttempts: 0 },
  };
}

function inEach<Name extends StateName>(names: readonly Name[], change: Change | typeof same) {
  return Object.fromEntries(names.map((name) => [name, change]));
}

const whereAPauseIsOn = [
  'the first attempt has failed',
  'an attempt has failed and no provider is left',
  'a cool-down is on',
  'a cool-down is on and no provider is left',
  'a cool-down is on while a token is in hand',
  'a pause of a length that the server named is on',
  'the page is offline after a failure',
] satisfies StateName[];

const whereAWholeAcquisitionFailed = [
  'a cool-down is on',
  'a cool-down is on and no provider is left',
  'a cool-down is on while a token is in hand',
  'a pause of a length that the server named is on',
  'a cool-down has just ended',
  'the page is offline after a failure',
] satisfies StateName[];

/** Where the token in hand is not refused already, and can be replaced now. */
const whereARejectionCounts = [
  'a token is in hand',
  'a token is in hand and no provider is left',
  'the token is being renewed',
] satisfies StateName[];

const pauseOf5s = { until: later(5_000).monotonicMs, endsAtMs: later(5_000).wallMs };
const unnamedPause = { ...pauseOf5s, isNamed: false };
const namedPause = { ...pauseOf5s, isNamed: true };

const attemptFailed: Change = {
  acquisition: { failedAttempts: 1 },
  failure: { error: failed, isFinal: false },
  throttle: { pause: unnamedPause, failedAttempts: 1 },
};
const anotherAttemptFailed: Change = {
  ...attemptFailed,
  acquisition: { failedAttempts: 2 },
  throttle: { pause: unnamedPause, failedAttempts: 2 },
};

const firstFailure: Change = {
  acquisition: undefined,
  failure: { error: failed, isFinal: true },
  throttle: { pause: unnamedPause, failures: 1, failedAttempts: 0 },
};

const emptied: Change = {
  held: undefined,
  latest: undefined,
  isUnconfirmed: false,
  failure: undefined,
  acquisition: undefined,
  isSignedOut: false,
};
/** A pause goes on, and with it the failure that began it. */
const emptiedButForTheFailure: { readonly [Name in StateName]?: Change } = Object.fromEntries(
  whereAPauseIsOn.map((name) => [name, { ...emptied, failure: states[name].failure }]),
);

const resumed: Change = { throttle: { pause: undefined, failedAttempts: 0 } };

// --- the table

/** For each event what it changes: everywhere, and where something else. */
const table = {
  'acquisition-started': [
    { event: { type: 'acquisition-started' }, changes: { acquisition: { failedAttempts: 0 } } },
  ],
  'request-sent': [
    {
      event: { type: 'request-sent', attempt: 1, fresh: false },
      changes: { throttle: { requests: [later(60_000).monotonicMs] } },
      except: {
        'the first attempt has failed': {
          throttle: { requests: [later(59_000).monotonicMs, later(60_000).monotonicMs] },
        },
      },
    },
  ],
  'attempt-failed': [
    {
      event: { type: 'attempt-failed', attempt: 1, error: failed, delayMs: 5_000 },
      changes: attemptFailed,
      except: {
        'the first attempt has failed': anotherAttemptFailed,
        'an attempt has failed and no provider is left': anotherAttemptFailed,
        ...inEach(whereAWholeAcquisitionFailed, {
          ...attemptFailed,
          failure: { error: failed, isFinal: true },
        }),
      },
    },
  ],
  'attempt-postponed': [
    {
      event: { type: 'attempt-postponed', error: busy, delayMs: 5_000 },
      changes: { failure: { error: busy, isFinal: false }, throttle: { pause: namedPause } },
      except: inEach(whereAWholeAcquisitionFailed, {
        failure: { error: busy, isFinal: true },
        throttle: { pause: namedPause },
      }),
    },
  ],
  'pause-elapsed': [
    {
      event: { type: 'pause-elapsed' },
      changes: { throttle: { pause: undefined } },
      // Nobody saw the failure, and nobody who comes later is to see it.
      except: {
        'a cool-down is on and no provider is left': {
          failure: undefined,
          throttle: { pause: undefined, failures: 0, failedAttempts: 0 },
        },
      },
    },
  ],
  'token-acquired': [
    {
      event: { type: 'token-acquired', attempt: 1, token: newer },
      when: 'the token is new',
      changes: withNewer,
    },
    {
      event: { type: 'token-acquired', attempt: 1, token },
      when: 'the source hands the latest token back',
      changes: withTokenChange(token, token.bufferMs),
      except: inEach(whereItIsKnown, withSame),
    },
  ],
  'token-shared': [
    { event: { type: 'token-shared', token: newer }, when: 'the token is new', changes: withNewer },
    {
      event: { type: 'token-shared', token },
      when: 'the other tab has the latest token, too',
      changes: withTokenChange(token, token.bufferMs),
      except: inEach(whereItIsKnown, withSame),
    },
  ],
  'token-stored': [{ event: { type: 'token-stored', token: newer }, changes: withNewer }],
  'acquisition-aborted': [
    { event: { type: 'acquisition-aborted' }, changes: { acquisition: undefined } },
  ],
  'acquisition-failed': [
    {
      event: { type: 'acquisition-failed', error: failed, cooldownMs: 5_000 },
      changes: firstFailure,
      except: {
        'a cool-down has just ended': {
          ...firstFailure,
          throttle: { pause: unnamedPause, failures: 2, failedAttempts: 0 },
        },
        // The pause that is on stays.
        ...inEach(whereAPauseIsOn, { ...firstFailure, throttle: { failedAttempts: 0 } }),
      },
    },
  ],
  'token-expired': [{ event: { type: 'token-expired' }, changes: { held: undefined } }],
  'token-rejected': [
    {
      event: { type: 'token-rejected', value: token.value },
      when: 'it is about the latest token',
      changes: same,
      except: inEach(whereARejectionCounts, {
        held: { token, bufferMs: token.bufferMs, isRejected: true },
      }),
    },
    {
      event: { type: 'token-rejected', value: 'an-older-token' },
      when: 'it is about an older token',
      changes: same,
    },
  ],
  'replacement-refused': [
    {
      event: { type: 'replacement-refused', pauseMs: 40_000 },
      changes: { throttle: { refusals: 1, refusedUntil: later(40_000).monotonicMs } },
      // It is known already that nothing can be replaced.
      except: inEach([...whereAPauseIsOn, 'refused tokens are not replaced for now'], same),
    },
  ],
  'pause-ended-early': [
    {
      event: { type: 'pause-ended-early', byPerson: true },
      when: 'a person asks for it',
      changes: same,
      except: inEach([...whereAPauseIsOn, 'a cool-down has just ended'], resumed),
    },
    {
      event: { type: 'pause-ended-early', byPerson: false },
      when: 'the page asks for it',
      changes: same,
      except: {
        ...inEach([...whereAPauseIsOn, 'a cool-down has just ended'], resumed),
        'a pause of a length that the server named is on': same,
      },
    },
  ],
  'network-changed': [
    {
      event: { type: 'network-changed', isOnline: false },
      when: 'the network is gone',
      changes: { isOnline: false },
      except: inEach(['the page is offline', 'the page is offline after a failure'], same),
    },
    {
      event: { type: 'network-changed', isOnline: true },
      when: 'the network is there',
      changes: same,
      except: inEach(['the page is offline', 'the page is offline after a failure'], {
        isOnline: true,
      }),
    },
  ],
  'page-restored': [
    { event: { type: 'page-restored' }, changes: { held: undefined, isUnconfirmed: true } },
  ],
  watched: [{ event: { type: 'watched' }, changes: { isWatched: true, isSignedOut: false } }],
  unwatched: [{ event: { type: 'unwatched' }, changes: { isWatched: false } }],
  'signed-in': [
    {
      event: { type: 'signed-in' },
      changes: same,
      except: {
        'the visitor has signed out': { isSignedOut: false },
        'the visitor has signed out while a provider shows the session': { isSignedOut: false },
      },
    },
  ],
  'signed-out': [
    {
      event: { type: 'signed-out' },
      changes: { ...emptied, isSignedOut: true },
      except: Object.fromEntries(
        Object.entries(emptiedButForTheFailure).map(([name, change]) => [
          name,
          { ...change, isSignedOut: true },
        ]),
      ),
    },
  ],
  cleared: [{ event: { type: 'cleared' }, changes: emptied, except: emptiedButForTheFailure }],
} satisfies {
  readonly [Type in SessionEvent['type']]: readonly [Row<Type>, ...Row<Type>[]];
};

const rows: readonly Row<SessionEvent['type']>[] = Object.values(table).flat();

describe.each(rows.map((row) => ({ ...row, title: titleOf(row) })))(
  '$title',
  ({ event, changes, except }) => {
    // States are frozen all through, so a change in place would throw.
    test.each(eachState())('in the state "%s"', (name, state) => {
      const change = except?.[name] ?? changes;
      const after = reduce(state, deepFreeze(event), now);
      if (change === same) expect(after).toBe(state);
      else expect(after).toEqual(changed(state, change));
    });
  },
);

function titleOf({ event, when }: Row<SessionEvent['type']>): string {
  return `the event ${event.type}${when ? `, where ${when}` : ''}`;
}

function changed(state: SessionState, { throttle, ...change }: Change): SessionState {
  return { ...state, ...change, throttle: { ...state.throttle, ...throttle } };
}

test('a session begins online, unwatched and without a token', () => {
  expect(states['nothing has happened yet']).toEqual({
    held: undefined,
    latest: undefined,
    isUnconfirmed: false,
    failure: undefined,
    acquisition: undefined,
    isWatched: false,
    isSignedOut: false,
    isOnline: true,
    throttle: openThrottle,
  });
});

describe('a token that the source hands back is asked for again', () => {
  test.each([
    { leftMs: 600_000, bufferMs: 300_000, title: 'at half of what is left' },
    { leftMs: 4_000, bufferMs: 2_000, title: '2 s later when 4 s are left' },
    { leftMs: 3_000, bufferMs: 1_000, title: '2 s later, no sooner, when 3 s are left' },
    { leftMs: 1_000, bufferMs: -1_000, title: 'only after its end when 1 s is left' },
  ])('$title', ({ leftMs, bufferMs }) => {
    const at = later(token.lifeMs - leftMs);
    const event: SessionEvent = { type: 'token-acquired', attempt: 1, token };
    const after = reduce(states['a token is in hand'], event, at);
    expect(after.held).toEqual({ token, bufferMs, isRejected: false });
  });
});

test('requests, refusals and the failure count outlive a sign-out', () => {
  const state = deepFreeze({
    ...initialState,
    throttle: { ...openThrottle, failures: 3, requests: [1, 2], refusals: 2, refusedUntil: 9 },
  });
  expect(reduce(state, { type: 'signed-out' }, now).throttle).toEqual(state.throttle);
});

// --- what components see

const noToken = { token: undefined, visitorId: undefined, expiresAtMs: undefined };
const quiet = { error: null, retryAtMs: undefined, isFetching: false };
const pending: GuestTokenState = { status: 'pending', ...noToken, ...quiet };
const idle: GuestTokenState = { status: 'idle', ...noToken, ...quiet };
const success: GuestTokenState = {
  status: 'success',
  token: 'token-of-first',
  visitorId: 'first',
  expiresAtMs: later(3_600_000).wallMs,
  ...quiet,
};
const error: GuestTokenState = { status: 'error', ...noToken, ...quiet, error: failed };
const retryAtMs = later(20_000).wallMs;

const views: Readonly<Record<StateName, GuestTokenState>> = {
  'nothing has happened yet': pending,
  'a provider waits': pending,
  'the first token is being acquired': { ...pending, isFetching: true },
  'the first attempt has failed': { ...pending, error: failed, retryAtMs, isFetching: true },
  'an attempt has failed and no provider is left': {
    ...pending,
    error: failed,
    retryAtMs,
    isFetching: true,
  },
  'a token is in hand': success,
  'a token is in hand and no provider is left': success,
  'the token is being renewed': { ...success, isFetching: true },
  // On show until it is replaced.
  'a server has refused the token': success,
  'refused tokens are not replaced for now': success,
  'the token has run out': pending,
  'a cool-down is on': { ...error, retryAtMs },
  'a cool-down is on and no provider is left': { ...error, retryAtMs },
  'a cool-down is on while a token is in hand': { ...success, error: failed, retryAtMs },
  'a pause of a length that the server named is on': { ...error, error: busy, retryAtMs },
  'a cool-down has just ended': { ...error, retryAtMs: now.wallMs },
  'the page is offline': pending,
  // The next attempt comes with the network; nobody knows when.
  'the page is offline after a failure': error,
  'the page is back from the back/forward cache': pending,
  'the visitor has signed out': idle,
  'the visitor has signed out while a provider shows the session': idle,
};

describe('components see what belongs to', () => {
  test.each(eachState())('the state "%s"', (name, state) => {
    expect(viewOf(state)).toStrictEqual(views[name]);
  });
});

test('components see nothing of a signed-out session, whatever else is known', () => {
  const state = { ...states['a cool-down is on while a token is in hand'], isSignedOut: true };
  expect(viewOf(state)).toEqual(idle);
});

test('components see a pending session before anything is known, and on a server', () => {
  expect(pendingView).toStrictEqual(pending);
});

test('components see an idle session where nobody is here', () => {
  expect(idleView).toStrictEqual(idle);
});
