import {
  type DataTag,
  hashKey,
  type Query,
  type QueryClient,
  skipToken,
  type UseQueryOptions,
} from '@tanstack/react-query';
import { GuestTokenError } from '../core/errors.ts';
import { MAX_TIMER_MS } from '../core/expiry.ts';
import { type GuestToken, isGuestToken } from '../core/guestToken.ts';
import { GuestTokenSession } from './session.ts';
import { findSession, sessionFor } from './sessions.ts';
import {
  type CheckedConfig,
  type GuestTokenConfig,
  type GuestTokenQueryKey,
  guestTokenQueryKey,
  guestTokenSettings,
  isSomebody,
} from './settings.ts';
import { gone } from './singleFlight.ts';
import type { SessionState } from './state.ts';
import type { StateMirror } from './store.ts';
import type { GuestTokenState } from './view.ts';

export type GuestTokenQueryOptions = Omit<
  UseQueryOptions<GuestToken, GuestTokenError, GuestToken, GuestTokenQueryKey>,
  'queryKey' | 'queryHash' | 'initialData' | 'notifyOnChangeProps' | 'placeholderData' | 'persister'
> & {
  queryKey: DataTag<GuestTokenQueryKey, GuestToken, GuestTokenError>;
  queryHash: string;
};

/**
 * The query behind the provider, for `prefetchQuery`, `useQuery` and the like on your own client.
 * Its data is a `GuestToken`. It shows what `useGuestToken` shows: the token in hand, the last
 * failure, and whether a request is under way.
 *
 * @throws GuestTokenError `misconfigured`, naming the option
 */
export function guestTokenQueryOptions(config: GuestTokenConfig): GuestTokenQueryOptions {
  return queryOptions(guestTokenSettings(config));
}

/**
 * What a client's `defaultOptions` could spoil is set, to undefined where need be: they fill whatever
 * is left out, and some of them (placeholderData, throwOnError, gcTime) would show a visitor another
 * one's token, unmount the chat, or throw the token away.
 */
function queryOptions(settings: CheckedConfig): GuestTokenQueryOptions {
  const queryKey = guestTokenQueryKey(settings);
  const options: GuestTokenQueryOptions = {
    queryKey: queryKey as GuestTokenQueryOptions['queryKey'],
    queryHash: hashKey(queryKey),
    // Joins the session's acquisition and never reads Query's signal: to read it would make
    // StrictMode's double mount two requests.
    queryFn: isSomebody(settings) ? ({ client }) => acquireForQuery(client, settings) : skipToken,
    staleTime: ({ state }) => staleTimeMs(state.data, state.dataUpdatedAt),
    // An unobserved token must survive; the session removes what is over. A number of more than
    // 2³¹ ms would remove it at once.
    gcTime: Number.POSITIVE_INFINITY,
    // The attempts are made inside the query function: Query pauses its own in hidden tabs.
    retry: false,
    // Offline, "online" would never settle.
    networkMode: 'always',
    enabled: isSomebody(settings),
    throwOnError: false,
    // The session does these, with wake-ups and cool-downs.
    refetchInterval: false,
    refetchOnReconnect: false,
    refetchOnWindowFocus: false,
    structuralSharing: false,
    select: onlyTokens,
  };
  // Set to undefined rather than left out; apart, since the types of some allow only the latter.
  return Object.assign(options, {
    initialData: undefined,
    notifyOnChangeProps: undefined,
    placeholderData: undefined,
    persister: undefined,
  });
}

/**
 * Ms from `dataUpdatedAt` to the token's stale time. Negative without end for a token that is over:
 * 0 would count as fresh once the clock was turned back.
 */
function staleTimeMs(token: unknown, updatedAtMs: number): number {
  if (!isGuestToken(token) || token.isStale()) return Number.NEGATIVE_INFINITY;
  return Math.min(token.staleAtMs - updatedAtMs, MAX_TIMER_MS);
}

/** A cache that was dehydrated or persisted holds a text in the token's place. */
function onlyTokens(data: unknown): GuestToken {
  if (isGuestToken(data)) return data;
  throw new GuestTokenError('expired', 'A token does not survive dehydration.');
}

/**
 * Finds the session of a visitor on a client at each call, or makes it; null where nobody is here.
 *
 * @param endsWithProvider the client is the package's own: the token goes with the last provider
 */
export function sessionOpener(
  client: QueryClient,
  settings: CheckedConfig,
  endsWithProvider: boolean,
): () => GuestTokenSession | null {
  if (!isSomebody(settings)) return () => null;
  const options = queryOptions(settings);
  const { queryHash: key } = options;
  return () => {
    const session = sessionFor(client, key, (remains, onDispose) => {
      correctForeignWrites(client);
      const mirror = createMirror(client, options);
      return new GuestTokenSession({
        key,
        settings,
        endsWithProvider,
        mirror,
        remains,
        onDispose,
      });
    });
    session.prepare(settings);
    return session;
  };
}

function acquireForQuery(client: QueryClient, settings: CheckedConfig): Promise<GuestToken> {
  const session = sessionOpener(client, settings, false)();
  return session ? session.flight.getToken() : Promise.reject(gone());
}

type TokenQueryState = Query<GuestToken, GuestTokenError>['state'];

/** The query that is being written to by us. */
let writing: unknown;

/** Keeps a session's query as the session is. It is written to, never asked for a decision. */
function createMirror(client: QueryClient, options: GuestTokenQueryOptions): StateMirror {
  const cache = client.getQueryCache();
  const { queryHash } = options;
  function remove(): void {
    const query = cache.get(queryHash);
    if (query) cache.remove(query);
  }
  return {
    remove,
    write(state, view) {
      const isEmpty = !state.latest && !state.failure && !state.acquisition;
      if (isEmpty && !cache.get(queryHash)?.isActive()) return remove();
      const query = cache.build(client, options);
      writing = query;
      query.setState(queryState(query.state, state, view));
      writing = undefined;
    },
  };
}

function queryState(
  before: TokenQueryState,
  { held, acquisition }: SessionState,
  { status, error, isFetching }: GuestTokenState,
): Partial<TokenQueryState> {
  const data = held?.token;
  const isNewData = data !== undefined && data !== before.data;
  const isNewError = error !== null && error !== before.error;
  const updatedAtMs = isNewData ? Date.now() : before.dataUpdatedAt;
  return {
    data,
    dataUpdatedAt: data ? updatedAtMs : 0,
    dataUpdateCount: before.dataUpdateCount + Number(isNewData),
    error,
    errorUpdatedAt: isNewError ? Date.now() : before.errorUpdatedAt,
    errorUpdateCount: before.errorUpdateCount + Number(isNewError),
    status: status === 'idle' ? 'pending' : status,
    fetchStatus: isFetching ? 'fetching' : 'idle',
    fetchFailureCount: acquisition?.failedAttempts ?? before.fetchFailureCount,
    fetchFailureReason: error,
    isInvalidated: false,
  };
}

const corrected = new WeakSet<QueryClient>();

/** Whatever else changes a session's query, such as a fetch or an invalidation, is set right at once. */
function correctForeignWrites(client: QueryClient): void {
  if (corrected.has(client)) return;
  corrected.add(client);
  client.getQueryCache().subscribe(({ type, query }) => {
    if (type === 'updated' && query !== writing) findSession(client, query.queryHash)?.store.show();
  });
}
