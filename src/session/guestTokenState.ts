import type { GuestTokenError } from '../core/errors.ts';

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
  /** A request is under way, or a round of them. */
  readonly isRefreshing: boolean;
}

interface NoToken {
  readonly token: undefined;
  readonly visitorId: undefined;
  readonly expiresAtMs: undefined;
}

export const noToken: NoToken = { token: undefined, visitorId: undefined, expiresAtMs: undefined };

/** Before anything is known; also what a server renders. */
export const pendingState: GuestTokenState = {
  status: 'pending',
  ...noToken,
  error: null,
  retryAtMs: undefined,
  isRefreshing: false,
};

/** Nobody is here. */
export const idleState: GuestTokenState = { ...pendingState, status: 'idle' };
