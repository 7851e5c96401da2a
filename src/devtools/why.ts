import type { Instant } from '../core/clock.ts';
import { type KeepFresh, untilDueMs } from '../session/schedule.ts';
import type { SessionState } from '../session/state.ts';
import { overBudgetForMs, pausedForMs } from '../session/throttle.ts';
import { duration } from './duration.ts';

/** What of a session's settings decides when it asks for a token. */
export interface WhySettings {
  readonly keepFresh: KeepFresh;
  readonly retry: { readonly attempts: number };
}

/** What makes a session look again at whether a token is to be asked for. */
export type NextCheck =
  | { readonly on: 'time'; readonly inMs: number }
  | {
      /** The tab becomes visible, the network comes back, code asks, a provider mounts, an answer comes. */
      readonly on: 'visible' | 'online' | 'asked' | 'shown' | 'answered';
      /** Ms for which the check still finds nothing to do; 0: none. */
      readonly notBeforeMs: number;
      /** Ms after which the session looks again without it; default: it never does. */
      readonly withinMs?: number;
    };

export interface Why {
  /** Such as "Not refreshing: the tab is hidden and keepFresh is while-visible." */
  readonly reason: string;
  readonly next: NextCheck;
}

/** Why a session does, or does not, ask for a token now, and what makes it look again. */
export function whyOf(
  state: SessionState,
  settings: WhySettings,
  isVisible: boolean,
  now: Instant,
): Why {
  if (state.isSignedOut) return notRefreshing('the visitor has signed out', 'shown');
  if (state.acquisition) return whyWaiting(state, settings, now);
  const dueInMs = Math.max(untilDueMs(state, now), 0);
  if (!state.isWatched) return notRefreshing('no provider shows this visitor', 'shown', dueInMs);
  const { keepFresh } = settings;
  if (keepFresh === 'on-demand') {
    const cause = isPaused(state, now) ? `${pauseCause(state, now)}, and ` : '';
    return notRefreshing(`${cause}keepFresh is on-demand`, 'asked', dueInMs);
  }
  const isOffline = !state.isOnline && state.failure !== undefined;
  if (keepFresh === 'while-visible' && !isVisible) {
    const alsoOffline = isOffline ? '; the page is offline, too' : '';
    const cause = `the tab is hidden and keepFresh is while-visible${alsoOffline}`;
    return notRefreshing(cause, 'visible', eventuallyDueInMs(state, now));
  }
  if (isOffline)
    return notRefreshing('the page is offline', 'online', eventuallyDueInMs(state, now));
  return whyDue(state, dueInMs, now);
}

/** An acquisition is under way: a request, or the wait before one. */
function whyWaiting(state: SessionState, { retry }: WhySettings, now: Instant): Why {
  const failedAttempts = state.acquisition?.failedAttempts ?? 0;
  if (!isPaused(state, now)) {
    const number = failedAttempts + 1;
    const attempt = number > retry.attempts ? `${number}` : `${number} of ${retry.attempts}`;
    const next = { on: 'answered', notBeforeMs: 0 } as const;
    return { reason: `Refreshing now: attempt ${attempt} is under way.`, next };
  }
  if (!state.isOnline) {
    const withinMs = pausedForMs(state.throttle, now);
    const next = { on: 'online', notBeforeMs: 0, withinMs } as const;
    return { reason: 'Waiting to refresh: the page is offline.', next };
  }
  const cause =
    failedAttempts > 0 && !state.throttle.pause?.isNamed
      ? `attempt ${failedAttempts} of ${retry.attempts} failed with ${codeOf(state)}`
      : pauseCause(state, now);
  return {
    reason: `Waiting to refresh: ${cause}.`,
    next: atTime(pausedForMs(state.throttle, now)),
  };
}

/** The session refreshes by itself: either now, or when it is due. */
function whyDue(state: SessionState, dueInMs: number, now: Instant): Why {
  const { held } = state;
  if (isPaused(state, now)) {
    return { reason: `Not refreshing: ${pauseCause(state, now)}.`, next: atTime(dueInMs) };
  }
  if (held && !held.isRejected && dueInMs > 0) {
    const reason = `Not refreshing: the token is fresh until ${duration(held.bufferMs)} before its end.`;
    return { reason, next: atTime(dueInMs) };
  }
  return { reason: `Refreshing now: ${dueCause(state)}.`, next: atTime(0) };
}

function dueCause({ held, isUnconfirmed, latest }: SessionState): string {
  if (held?.isRejected) return 'a server has refused the token';
  if (held) return 'the token has reached its refresh point';
  if (isUnconfirmed) return 'the page is back from the back/forward cache';
  return latest ? 'the token has expired' : 'there is no token yet';
}

function notRefreshing(cause: string, on: Exclude<NextCheck['on'], 'time'>, notBeforeMs = 0): Why {
  return { reason: `Not refreshing: ${cause}.`, next: { on, notBeforeMs } };
}

function atTime(inMs: number): NextCheck {
  return { on: 'time', inMs };
}

function isPaused({ throttle }: SessionState, now: Instant): boolean {
  return pausedForMs(throttle, now) > 0;
}

/** Ms until a token is due once a pause has ended early, as the page's events make it. */
function eventuallyDueInMs(state: SessionState, now: Instant): number {
  const { throttle } = state;
  const ended = throttle.pause?.isNamed ? throttle : { ...throttle, pause: undefined };
  return Math.max(untilDueMs({ ...state, throttle: ended }, now), 0);
}

function pauseCause(state: SessionState, now: Instant): string {
  if (overBudgetForMs(state.throttle, now) > 0) return 'the source was asked 10 times in a minute';
  if (state.throttle.pause?.isNamed) return `the server asked for a pause (${codeOf(state)})`;
  return `the last acquisition failed with ${codeOf(state)}, and a cool-down is on`;
}

function codeOf({ failure }: SessionState): string {
  return failure?.error.code ?? 'an error';
}

const events = {
  visible: 'it becomes visible',
  online: 'the network is back',
  asked: 'something asks for a token',
  shown: 'a provider shows this visitor',
  answered: 'the answer is here',
} as const;

/** Such as "Next check when it becomes visible." */
export function nextCheckText(next: NextCheck): string {
  if (next.on === 'time') {
    return next.inMs > 0 ? `Next check in ${duration(next.inMs)}.` : 'Next check now.';
  }
  const { notBeforeMs, withinMs } = next;
  const latest = withinMs === undefined ? '' : `, in ${duration(withinMs)} at the latest`;
  const earliest =
    notBeforeMs > 0 ? ` Until ${duration(notBeforeMs)} from now it finds nothing to do.` : '';
  return `Next check when ${events[next.on]}${latest}.${earliest}`;
}

/** The state of a session in a few words. */
export function stateText(state: SessionState, now: Instant): string {
  const { held, latest, acquisition, failure, isSignedOut, isUnconfirmed } = state;
  if (isSignedOut) return 'Signed out';
  if (held?.isRejected) return acquisition ? 'Refused, being replaced' : 'Refused by a server';
  if (held) {
    if (acquisition) return 'Valid, being renewed';
    if (failure) return 'Valid, the last renewal failed';
    return held.token.remainingMs(now) > held.bufferMs ? 'Fresh' : 'Valid, due for renewal';
  }
  if (acquisition) return failure ? 'No token, trying again' : 'Getting a token';
  if (failure) return `No token: ${failure.error.code}`;
  if (isUnconfirmed) return 'No token until it is confirmed';
  return latest ? 'Expired' : 'No token yet';
}
