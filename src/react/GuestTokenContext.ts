import { createContext, useContext } from 'react';
import { GuestTokenError } from '../core/errors.ts';
import type { GetTokenOptions } from '../session/guestTokenRoot.ts';
import type { GuestTokenState } from '../session/guestTokenState.ts';

/** Where a component reads the state of the token. */
export interface GuestTokenStore {
  read(): GuestTokenState;
  subscribe(listener: () => void): () => void;
  /** Asks, and resolves when the round is over. */
  settled(): Promise<void>;
}

/** What a provider hands down. */
export interface GuestTokenContextValue {
  readonly store: GuestTokenStore;
  /** The state before hydration, the same as on the server. */
  readonly serverState: GuestTokenState;
  readonly getToken: (options?: GetTokenOptions) => Promise<string>;
  readonly refresh: () => Promise<string>;
  readonly fetch: typeof fetch;
}

export const GuestTokenContext = createContext<GuestTokenContextValue | null>(null);

/** @throws GuestTokenError `misconfigured` where no provider is above */
export function useGuestTokenContext(caller: string): GuestTokenContextValue {
  const value = useContext(GuestTokenContext);
  if (value) return value;
  throw new GuestTokenError('misconfigured', `${caller} needs a <GuestTokenProvider> above.`);
}
