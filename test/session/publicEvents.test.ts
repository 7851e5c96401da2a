// What `onEvent` is told of each event of a session.
import { describe, expect, test } from 'vitest';
import type { GuestTokenEventDetail } from '../../src/core/events.ts';
import type { GuestToken } from '../../src/core/guestToken.ts';
import { publicEvents } from '../../src/session/publicEvents.ts';
import {
  initialState,
  reduce,
  type SessionEvent,
  type SessionState,
} from '../../src/session/state.ts';
import { busy, failed, later, makeToken, now, states, token } from './states.ts';

type Event<Type extends SessionEvent['type']> = Extract<SessionEvent, { readonly type: Type }>;

interface Row<Type extends SessionEvent['type']> {
  readonly event: Event<Type>;
  /** Default: nothing has happened yet. */
  readonly before?: SessionState;
  /** Completes the sentence "the event …, where …". */
  readonly when?: string;
  readonly told: readonly GuestTokenEventDetail[];
}

const silent: readonly GuestTokenEventDetail[] = [];
const newer = makeToken('second');
const expiresAtMs = later(3_600_000).wallMs;
const acquired: GuestTokenEventDetail = {
  type: 'acquired',
  attempt: 2,
  lifeMs: 3_600_000,
  expiresAtMs,
};

const table = {
  'acquisition-started': [{ event: { type: 'acquisition-started' }, told: silent }],
  'request-sent': [
    {
      event: { type: 'request-sent', attempt: 2, fresh: true },
      told: [{ type: 'acquiring', attempt: 2, fresh: true }],
    },
  ],
  'attempt-failed': [
    {
      event: { type: 'attempt-failed', attempt: 2, error: busy, delayMs: 4_000 },
      told: [{ type: 'retrying', attempt: 2, delayMs: 4_000, code: 'rate_limited' }],
    },
  ],
  'attempt-postponed': [
    { event: { type: 'attempt-postponed', error: failed, delayMs: 4_000 }, told: silent },
  ],
  'pause-elapsed': [{ event: { type: 'pause-elapsed' }, told: silent }],
  'token-acquired': [
    {
      event: { type: 'token-acquired', attempt: 2, token: newer },
      when: 'the token is the first',
      told: [acquired],
    },
    {
      event: { type: 'token-acquired', attempt: 2, token: newer },
      before: states['the token is being renewed'],
      when: 'the token replaces another one',
      told: [acquired],
    },
    {
      event: { type: 'token-acquired', attempt: 2, token },
      before: states['the token is being renewed'],
      when: 'the source hands the latest token back',
      told: silent,
    },
    {
      event: {
        type: 'token-acquired',
        attempt: 2,
        token: makeToken('second', { expirySource: 'fallback' }),
      },
      when: 'the token does not say when it ends',
      told: [{ type: 'fallback-expiry', expiresAtMs }, acquired],
    },
    {
      event: {
        type: 'token-acquired',
        attempt: 2,
        token: makeToken('second', { expirySource: 'fallback', clockSkewMs: 90_000 }),
      },
      when: 'the clock is wrong and the token does not say when it ends',
      told: [
        { type: 'clock-skew', skewMs: 90_000 },
        { type: 'fallback-expiry', expiresAtMs },
        acquired,
      ],
    },
  ],
  'acquisition-aborted': [{ event: { type: 'acquisition-aborted' }, told: silent }],
  'acquisition-failed': [
    {
      event: { type: 'acquisition-failed', error: failed, cooldownMs: 30_000 },
      when: 'a cool-down begins',
      told: [{ type: 'failed', code: 'unavailable', retryAtMs: later(30_000).wallMs }],
    },
    {
      event: { type: 'acquisition-failed', error: failed, cooldownMs: 30_000 },
      before: states['the first attempt has failed'],
      when: 'a pause is on already',
      told: [{ type: 'failed', code: 'unavailable', retryAtMs: later(20_000).wallMs }],
    },
    {
      event: { type: 'acquisition-failed', error: failed, cooldownMs: 30_000 },
      before: states['the page is offline'],
      when: 'the next attempt comes with the network',
      told: [{ type: 'failed', code: 'unavailable', retryAtMs: undefined }],
    },
  ],
  'token-shared': [
    { event: { type: 'token-shared', token: newer }, told: [{ type: 'shared', expiresAtMs }] },
  ],
  'token-stored': [{ event: { type: 'token-stored', token: newer }, told: silent }],
  'token-expired': [
    {
      event: { type: 'token-expired' },
      before: states['a token is in hand'],
      when: 'a token was in hand',
      told: [{ type: 'expired', expiresAtMs }],
    },
    {
      event: { type: 'token-expired' },
      before: states['the token has run out'],
      when: 'none was in hand any more',
      told: silent,
    },
  ],
  'token-rejected': [
    {
      event: { type: 'token-rejected', value: token.value },
      before: states['a token is in hand'],
      when: 'it is about the token in hand',
      told: [{ type: 'rejected' }],
    },
    {
      event: { type: 'token-rejected', value: 'an-older-token' },
      before: states['a token is in hand'],
      when: 'it is about an older token',
      told: silent,
    },
    {
      event: { type: 'token-rejected', value: token.value },
      before: states['refused tokens are not replaced for now'],
      when: 'it cannot be replaced now',
      told: silent,
    },
  ],
  'replacement-refused': [
    { event: { type: 'replacement-refused', pauseMs: 30_000 }, told: silent },
  ],
  'pause-ended-early': [
    {
      event: { type: 'pause-ended-early', byPerson: true },
      before: states['a cool-down is on'],
      told: silent,
    },
  ],
  'network-changed': [{ event: { type: 'network-changed', isOnline: false }, told: silent }],
  'page-restored': [
    { event: { type: 'page-restored' }, before: states['a token is in hand'], told: silent },
  ],
  watched: [{ event: { type: 'watched' }, told: silent }],
  unwatched: [{ event: { type: 'unwatched' }, told: silent }],
  'signed-in': [
    { event: { type: 'signed-in' }, before: states['the visitor has signed out'], told: silent },
  ],
  'signed-out': [
    {
      event: { type: 'signed-out' },
      before: states['a token is in hand'],
      told: [{ type: 'signed-out' }],
    },
  ],
  cleared: [{ event: { type: 'cleared' }, before: states['a token is in hand'], told: silent }],
} satisfies {
  readonly [Type in SessionEvent['type']]: readonly [Row<Type>, ...Row<Type>[]];
};

const rows: readonly Row<SessionEvent['type']>[] = Object.values(table).flat();

/** What is told of an event that happens now. */
function tellOf(event: SessionEvent, before: SessionState): readonly GuestTokenEventDetail[] {
  return publicEvents(event, before, reduce(before, event, now));
}

describe('onEvent is told of', () => {
  test.each(rows.map((row) => ({ ...row, title: titleOf(row) })))(
    '$title',
    ({ event, before = initialState, told }) => {
      expect(tellOf(event, before)).toEqual(told);
    },
  );
});

function titleOf({ event, when, told }: Row<SessionEvent['type']>): string {
  const types = told.map(({ type }) => type).join(', ') || 'nothing';
  return `${types} at the event ${event.type}${when ? `, where ${when}` : ''}`;
}

describe('a wrong clock is news', () => {
  /** Whether the clock is mentioned when a token comes, with what was known before. */
  function mentionsClock(clockSkewMs: number, latest?: GuestToken): boolean {
    const event = {
      type: 'token-acquired',
      attempt: 1,
      token: makeToken('second', { clockSkewMs }),
    } as const;
    const told = tellOf(event, { ...initialState, latest });
    return told.some(({ type }) => type === 'clock-skew');
  }

  test.each([
    [59_999, false],
    [60_000, true],
    [-59_999, false],
    [-60_000, true],
  ])('from a minute on: %i ms, %s', (skewMs, isNews) => {
    expect(mentionsClock(skewMs)).toBe(isNews);
  });

  test('once: the same error with the next token is none', () => {
    expect(mentionsClock(90_000, makeToken('first', { clockSkewMs: 90_000 }))).toBe(false);
  });

  test('again, once the clock was set right', () => {
    expect(mentionsClock(0, makeToken('first', { clockSkewMs: 90_000 }))).toBe(true);
  });
});
