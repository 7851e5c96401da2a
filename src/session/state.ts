import type { Instant } from '../core/clock.ts';
import type { GuestTokenError } from '../core/errors.ts';
import type { GuestToken } from '../core/guestToken.ts';
import {
  mayReplace,
  openThrottle,
  pausedForMs,
  type Throttle,
  withoutPause,
  withPause,
  withRefusal,
  withRequest,
} from './throttle.ts';

/** A source that hands the same token back again and again is not asked more often. */
const MIN_LOOK_AGAIN_MS = 2_000;

/** What a session knows. Immutable: only `reduce` makes a new one. */
export interface SessionState {
  readonly held: HeldToken | undefined;
  /** The latest token, remembered after its end to recognise it when a source hands it back. */
  readonly latest: GuestToken | undefined;
  /** The page was away and may have missed a sign-out: `latest` is not trusted until confirmed. */
  readonly isUnconfirmed: boolean;
  /** What failed since the last success. */
  readonly failure: Failure | undefined;
  /** The acquisition under way. */
  readonly acquisition: { readonly failedAttempts: number } | undefined;
  /** A provider shows the session. */
  readonly isWatched: boolean;
  readonly isSignedOut: boolean;
  readonly isOnline: boolean;
  readonly throttle: Throttle;
}

/** The token in hand. */
interface HeldToken {
  readonly token: GuestToken;
  /** Ms before its end at which it is replaced. */
  readonly bufferMs: number;
  /** A server has refused it: it stays on show until it is replaced, but is not handed out. */
  readonly isRejected: boolean;
}

interface Failure {
  readonly error: GuestTokenError;
  /** A whole acquisition has failed, not only an attempt. */
  readonly isFinal: boolean;
}

export const initialState: SessionState = {
  held: undefined,
  latest: undefined,
  isUnconfirmed: false,
  failure: undefined,
  acquisition: undefined,
  isWatched: false,
  isSignedOut: false,
  isOnline: true,
  throttle: openThrottle,
};

/** What an acquisition reports. */
type AcquisitionEvent =
  | { readonly type: 'request-sent'; readonly attempt: number; readonly fresh: boolean }
  | {
      readonly type: 'attempt-failed';
      readonly attempt: number;
      readonly error: GuestTokenError;
      /** Ms until the next attempt. */
      readonly delayMs: number;
    }
  /** No attempt can be made yet: there is no network, or the request budget is spent. */
  | {
      readonly type: 'attempt-postponed';
      readonly error: GuestTokenError;
      readonly delayMs: number;
    }
  | { readonly type: 'pause-elapsed' }
  | { readonly type: 'token-acquired'; readonly attempt: number; readonly token: GuestToken };

export type SessionEvent =
  | AcquisitionEvent
  | { readonly type: 'acquisition-started' }
  | { readonly type: 'acquisition-aborted' }
  | {
      readonly type: 'acquisition-failed';
      readonly error: GuestTokenError;
      /** Ms of the cool-down, where no pause is on already. */
      readonly cooldownMs: number;
    }
  /** A token came from another tab. */
  | { readonly type: 'token-shared'; readonly token: GuestToken }
  /** A token came from an earlier page. */
  | { readonly type: 'token-stored'; readonly token: GuestToken }
  | { readonly type: 'token-expired' }
  /** A server has refused a token; it counts where it is the one in hand and can be replaced now. */
  | { readonly type: 'token-rejected'; readonly value: string }
  | { readonly type: 'replacement-refused'; readonly pauseMs: number }
  /** `byPerson`: also a pause whose length the server named. */
  | { readonly type: 'pause-ended-early'; readonly byPerson: boolean }
  | { readonly type: 'network-changed'; readonly isOnline: boolean }
  /** The page is back from the back/forward cache. */
  | { readonly type: 'page-restored' }
  /** A provider shows the session: the visitor is here. */
  | { readonly type: 'watched' }
  /** No provider shows it any more. */
  | { readonly type: 'unwatched' }
  | { readonly type: 'signed-in' }
  | { readonly type: 'signed-out' }
  /** The token is not to be used any more, though the visitor has not signed out. */
  | { readonly type: 'cleared' };

/** @param now when the event happened */
export function reduce(state: SessionState, event: SessionEvent, now: Instant): SessionState {
  const { throttle } = state;
  switch (event.type) {
    case 'acquisition-started':
      return { ...state, acquisition: { failedAttempts: 0 } };
    case 'request-sent':
      return { ...state, throttle: withRequest(throttle, now) };
    case 'attempt-failed': {
      const failedAttempts = (state.acquisition?.failedAttempts ?? 0) + 1;
      const counted = { ...throttle, failedAttempts: throttle.failedAttempts + 1 };
      return waiting({ ...state, acquisition: { failedAttempts }, throttle: counted }, event, now);
    }
    case 'attempt-postponed':
      return waiting(state, event, now);
    case 'pause-elapsed': {
      // Failures that are over before a provider comes are no news to it.
      const isOld = !state.isWatched && !state.acquisition;
      if (!isOld) return { ...state, throttle: withoutPause(throttle, true) };
      const anew = { ...throttle, pause: undefined, failures: 0, failedAttempts: 0 };
      return { ...state, failure: undefined, throttle: anew };
    }
    case 'acquisition-failed': {
      const { error, cooldownMs } = event;
      const counted = { ...throttle, failedAttempts: 0 };
      return {
        ...state,
        acquisition: undefined,
        failure: { error, isFinal: true },
        throttle:
          pausedForMs(throttle, now) > 0
            ? counted
            : withPause({ ...counted, failures: throttle.failures + 1 }, cooldownMs, error, now),
      };
    }
    case 'acquisition-aborted':
      return { ...state, acquisition: undefined };
    case 'token-acquired':
    case 'token-shared':
    case 'token-stored':
      return withToken(state, event.token, now);
    case 'token-expired':
      return { ...state, held: undefined };
    case 'token-rejected': {
      const { held } = state;
      const isInHand = held?.token.value === event.value && !held.isRejected;
      return isInHand && mayReplace(throttle, now)
        ? { ...state, held: { ...held, isRejected: true } }
        : state;
    }
    case 'replacement-refused':
      if (!mayReplace(throttle, now)) return state;
      return { ...state, throttle: withRefusal(throttle, event.pauseMs, now) };
    case 'pause-ended-early': {
      const anew = withoutPause(throttle, event.byPerson);
      return anew === throttle ? state : { ...state, throttle: { ...anew, failedAttempts: 0 } };
    }
    case 'network-changed':
      return event.isOnline === state.isOnline ? state : { ...state, isOnline: event.isOnline };
    case 'page-restored':
      return { ...state, held: undefined, isUnconfirmed: true };
    case 'watched':
      return { ...state, isWatched: true, isSignedOut: false };
    case 'unwatched':
      return { ...state, isWatched: false };
    case 'signed-in':
      return state.isSignedOut ? { ...state, isSignedOut: false } : state;
    case 'signed-out':
      return { ...emptied(state, now), isSignedOut: true };
    case 'cleared':
      return emptied(state, now);
  }
}

function waiting(
  state: SessionState,
  { error, delayMs }: { readonly error: GuestTokenError; readonly delayMs: number },
  now: Instant,
): SessionState {
  const isFinal = state.failure?.isFinal ?? false;
  const throttle = withPause(state.throttle, delayMs, error, now);
  return { ...state, failure: { error, isFinal }, throttle };
}

function withToken(state: SessionState, token: GuestToken, now: Instant): SessionState {
  const isReturned = token === state.latest && !state.isUnconfirmed;
  const bufferMs = isReturned ? lookAgainMs(token.remainingMs(now)) : token.bufferMs;
  return {
    ...state,
    held: { token, bufferMs, isRejected: false },
    latest: token,
    isUnconfirmed: false,
    failure: undefined,
    acquisition: undefined,
    throttle: { ...state.throttle, pause: undefined, failures: 0, failedAttempts: 0 },
  };
}

/** A source that hands the same token back is asked again at half of what is left. */
function lookAgainMs(leftMs: number): number {
  return Math.min(leftMs / 2, leftMs - MIN_LOOK_AGAIN_MS);
}

/** Without the visitor's token; a pause goes on, with the failure that began it. */
function emptied(state: SessionState, now: Instant): SessionState {
  const { isOnline, isWatched, throttle } = state;
  const failure = pausedForMs(throttle, now) > 0 ? state.failure : undefined;
  return { ...initialState, isOnline, isWatched, throttle, failure };
}

/** The token in hand, where it can be handed out. */
export function usableToken({ held }: SessionState, now: Instant): GuestToken | undefined {
  return held && !held.isRejected && held.token.remainingMs(now) > 0 ? held.token : undefined;
}

/** The token that the next one replaces. Where it is not confirmed, it will do for another tab still. */
export function tokenToReplace({ latest, isUnconfirmed }: SessionState): GuestToken | undefined {
  return isUnconfirmed ? undefined : latest;
}
