import { createContext, useContext } from 'react';
import { GuestTokenError } from '../core/errors.ts';
import type { CurrentSession } from '../session/currentSession.ts';
import type { GuestTokenState, StateField } from '../session/view.ts';
import type { ErrorResets } from './errorResets.ts';
import type { GuestTokenView } from './useGuestToken.ts';

/** Where a component reads the state of the token. */
export interface GuestTokenStore {
  /** The same object until something changes. */
  getView(): GuestTokenState;
  /** @param listener told which fields are not what they were */
  subscribe(listener: (changed: readonly StateField[]) => void): () => void;
}

/** What a provider hands down. */
export interface GuestTokenContextValue
  extends Pick<CurrentSession, 'getToken' | 'refresh' | 'fetch'> {
  readonly store: GuestTokenStore;
  /** The view before hydration, the same as on the server. */
  readonly serverView: GuestTokenView;
  /** What suspends a component; undefined where nobody is here. */
  readonly suspense: SuspenseSource | undefined;
}

interface SuspenseSource {
  readonly resets: ErrorResets;
  /** Asks, and settles when the component should try again. */
  acquire(isRetry: boolean): Promise<void>;
}

export const GuestTokenContext = createContext<GuestTokenContextValue | null>(null);

/** @throws GuestTokenError `misconfigured` where no provider is above */
export function useGuestTokenContext(caller: string): GuestTokenContextValue {
  const value = useContext(GuestTokenContext);
  if (value) return value;
  throw new GuestTokenError('misconfigured', `${caller} needs a <GuestTokenProvider> above.`);
}
