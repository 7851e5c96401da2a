import type { GuestTokenError } from '../core/errors.ts';
import type { SessionState } from './state.ts';

/** What a component can see of a session. */
export type GuestTokenState =
  | (StateBase & {
      readonly status: 'success';
      readonly token: string;
      readonly visitorId: string;
      readonly expiresAtMs: number;
    })
  | (StateBase & NoToken & { readonly status: 'error'; readonly error: GuestTokenError })
  | (StateBase & NoToken & { readonly status: 'idle' | 'pending' });

interface StateBase {
  /** The last failure; may stand beside a token that is still valid. */
  readonly error: GuestTokenError | null;
  /** When the next automatic attempt comes: epoch ms on this machine's clock. */
  readonly retryAtMs: number | undefined;
  /** A request is under way, or the wait between two. */
  readonly isFetching: boolean;
}

interface NoToken {
  readonly token: undefined;
  readonly visitorId: undefined;
  readonly expiresAtMs: undefined;
}

export const stateFields = [
  'status',
  'token',
  'visitorId',
  'expiresAtMs',
  'error',
  'retryAtMs',
  'isFetching',
] as const satisfies readonly (keyof GuestTokenState)[];

export type StateField = (typeof stateFields)[number];

const noToken: NoToken = { token: undefined, visitorId: undefined, expiresAtMs: undefined };

/** Before anything is known; also what a server renders. */
export const pendingView: GuestTokenState = {
  status: 'pending',
  ...noToken,
  error: null,
  retryAtMs: undefined,
  isFetching: false,
};

/** Nobody is here. */
export const idleView: GuestTokenState = { ...pendingView, status: 'idle' };

/** What components see of a state. */
export function viewOf(state: SessionState): GuestTokenState {
  const { held, failure, throttle } = state;
  if (state.isSignedOut) return idleView;
  const base: StateBase = {
    error: failure?.error ?? null,
    // Offline the next attempt comes with the network.
    retryAtMs: state.isOnline ? throttle.pause?.endsAtMs : undefined,
    isFetching: state.acquisition !== undefined,
  };
  if (held) {
    const { value: token, visitorId, expiresAtMs } = held.token;
    return { ...base, status: 'success', token, visitorId, expiresAtMs };
  }
  return failure?.isFinal
    ? { ...base, ...noToken, status: 'error', error: failure.error }
    : { ...base, ...noToken, status: 'pending' };
}
