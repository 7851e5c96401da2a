import type { QueryClient } from '@tanstack/react-query';
import {
  type ReactNode,
  useEffect,
  useInsertionEffect,
  useMemo,
  useReducer,
  useState,
} from 'react';
import { normalOrigins } from '../core/origins.ts';
import { createCurrentSession } from '../session/currentSession.ts';
import { sessionOpener } from '../session/guestTokenQuery.ts';
import { type GuestTokenConfig, guestTokenSettings } from '../session/settings.ts';
import { idleView, pendingView } from '../session/view.ts';
import { ErrorResets } from './errorResets.ts';
import {
  GuestTokenContext,
  type GuestTokenContextValue,
  type GuestTokenStore,
} from './GuestTokenContext.ts';
import { pageClient } from './pageClient.ts';

export interface GuestTokenProviderProps extends GuestTokenConfig {
  children?: ReactNode;
  /** Where the guest fetch may take the token, besides the page's own origin. Default: nowhere. */
  origins?: readonly string[] | undefined;
  /** A client of yours, in which the token outlives the provider. Default: one of the package's own. */
  queryClient?: QueryClient | undefined;
}

/**
 * Gives the components below a guest token that is always valid, at the cost of the fewest requests.
 *
 * @throws GuestTokenError `misconfigured` while rendering, naming the option
 */
export function GuestTokenProvider(props: GuestTokenProviderProps): ReactNode {
  const { children, origins = none, queryClient } = props;
  const [own] = useState(() => ({
    client: queryClient ?? pageClient(),
    current: createCurrentSession(),
    resets: new ErrorResets(),
  }));
  const { current, resets } = own;
  const client = queryClient ?? own.client;
  const settings = useSettings(props);
  const allowed = useMemo(() => normalOrigins(origins), [origins]);
  const open = useMemo(
    () => sessionOpener(client, settings, !queryClient),
    [client, settings, queryClient],
  );
  // Found by its key, so that a render that React throws away and repeats finds it again.
  const session = open();
  const [, renderAgain] = useReducer((renders: number) => renders + 1, 0);

  resets.onRender();
  // Before any effect of a child, and never undone: StrictMode and unmounting abort nothing here.
  useInsertionEffect(() => {
    resets.onCommit();
    current.commit(session, settings, allowed);
  });
  useInsertionEffect(() => {
    resets.onMount();
    return () => resets.onUnmount();
  }, [resets]);
  useEffect(() => {
    if (!session) return undefined;
    if (!session.isDisposed) return current.watch(session);
    // Nobody used it for a while, such as while an <Activity> hid this provider: it gets a new one.
    renderAgain();
    return undefined;
  }, [current, session]);

  const value = useMemo((): GuestTokenContextValue => {
    const { getToken, refresh, fetch } = current;
    return {
      getToken,
      refresh,
      fetch,
      store: session?.store ?? idleStore,
      serverView: { ...(session ? pendingView : idleView), getToken, refresh },
      suspense: session
        ? { resets, acquire: (isRetry) => session.acquireForSuspense(isRetry) }
        : undefined,
    };
  }, [current, resets, session]);
  return <GuestTokenContext.Provider value={value}>{children}</GuestTokenContext.Provider>;
}

/** Checked once for each change of a setting. */
function useSettings(props: GuestTokenConfig) {
  const { externalId, channelId, attributes, source, expiryBufferMs, fallbackTtlMs } = props;
  const { retry, keepFresh, shareAcrossTabs, storage, onEvent } = props;
  return useMemo(
    () =>
      guestTokenSettings({
        externalId,
        channelId,
        attributes,
        source,
        expiryBufferMs,
        fallbackTtlMs,
        retry,
        keepFresh,
        shareAcrossTabs,
        storage,
        onEvent,
      }),
    [
      externalId,
      channelId,
      attributes,
      source,
      expiryBufferMs,
      fallbackTtlMs,
      retry,
      keepFresh,
      shareAcrossTabs,
      storage,
      onEvent,
    ],
  );
}

const none: readonly string[] = [];

/** Nobody is here. */
const idleStore: GuestTokenStore = {
  getView: () => idleView,
  subscribe: () => () => undefined,
};
