import type { QueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useInsertionEffect, useMemo, useState } from 'react';
import { normalOrigins } from '../core/origins.ts';
import { guestTokenQueryOptions } from '../session/guestTokenQuery.ts';
import { createGuestTokenRoot } from '../session/guestTokenRoot.ts';
import {
  type GuestTokenConfig,
  guestTokenSettings,
  isSomebody,
} from '../session/guestTokenSettings.ts';
import { idleState, pendingState } from '../session/guestTokenState.ts';
import { sessionFor } from '../session/sessions.ts';
import {
  GuestTokenContext,
  type GuestTokenContextValue,
  type GuestTokenStore,
} from './GuestTokenContext.ts';

export interface GuestTokenProviderProps extends GuestTokenConfig {
  children?: ReactNode;
  /** Where the guest fetch may take the token, besides the page's own origin. Default: nowhere. */
  origins?: readonly string[] | undefined;
  /** A client of yours, in which the token outlives the provider. Default: one of the package's own. */
  queryClient?: QueryClient | undefined;
}

/**
 * Gives the components below a guest token that is valid, always, at the cost of the fewest requests.
 *
 * @throws GuestTokenError `misconfigured` while rendering, naming the option
 */
export function GuestTokenProvider(props: GuestTokenProviderProps): ReactNode {
  const { children, origins = [], queryClient, ...config } = props;
  const [root] = useState(createGuestTokenRoot);
  const client = queryClient ?? root.client;
  const settings = guestTokenSettings(config);
  const allowed = normalOrigins(origins);
  // Found by its key, so that a render that React throws away and repeats finds it again.
  const session = isSomebody(settings)
    ? sessionFor(client, guestTokenQueryOptions(config), settings)
    : null;

  // Before any effect of a child, and never undone: StrictMode and unmounting abort nothing here.
  useInsertionEffect(() => root.commit(session, settings, allowed));
  useEffect(() => (session ? root.watch(session) : undefined), [root, session]);

  const value = useMemo((): GuestTokenContextValue => {
    const serverState = session ? pendingState : idleState;
    return { ...root, store: session ?? idleStore, serverState };
  }, [root, session]);
  return <GuestTokenContext.Provider value={value}>{children}</GuestTokenContext.Provider>;
}

/** Nobody is here. */
const idleStore: GuestTokenStore = {
  read: () => idleState,
  subscribe: () => () => undefined,
  settled: () => Promise.resolve(),
};
