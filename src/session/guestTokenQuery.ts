import { type DataTag, hashKey, skipToken, type UseQueryOptions } from '@tanstack/react-query';
import type { GuestTokenError } from '../core/errors.ts';
import { MAX_TIMER_MS } from '../core/expiry.ts';
import { GuestToken } from '../core/guestToken.ts';
import {
  type GuestTokenConfig,
  type GuestTokenQueryKey,
  guestTokenQueryKey,
  guestTokenSettings,
  isSomebody,
} from './guestTokenSettings.ts';
import { sessionFor } from './sessions.ts';

export type GuestTokenQueryOptions = Omit<
  UseQueryOptions<GuestToken, GuestTokenError, GuestToken, GuestTokenQueryKey>,
  | 'queryKey'
  | 'queryHash'
  | 'initialData'
  | 'notifyOnChangeProps'
  | 'placeholderData'
  | 'select'
  | 'persister'
> & {
  queryKey: DataTag<GuestTokenQueryKey, GuestToken, GuestTokenError>;
  queryHash: string;
};

/**
 * The query behind the provider, for `prefetchQuery`, `useQuery` and the like on your own client.
 * Its data is a `GuestToken`; it is stale from the token's own stale time on.
 *
 * What a client's `defaultOptions` could spoil is set, to undefined where need be: they fill whatever
 * is left out, and some of them (placeholderData, throwOnError, gcTime) would show a visitor another
 * one's token, unmount the chat, or throw the token away.
 *
 * @throws GuestTokenError `misconfigured`, naming the option
 */
export function guestTokenQueryOptions(config: GuestTokenConfig): GuestTokenQueryOptions {
  const settings = guestTokenSettings(config);
  const queryKey = guestTokenQueryKey(settings);
  const options: GuestTokenQueryOptions = {
    queryKey: queryKey as GuestTokenQueryOptions['queryKey'],
    queryHash: hashKey(queryKey),
    // Joins the session's acquisition and never reads Query's signal: to read it would make
    // StrictMode's double mount two requests.
    queryFn: isSomebody(settings)
      ? ({ client }) => sessionFor(client, options, settings).getToken()
      : skipToken,
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
  };
  // Set to undefined rather than left out; apart, since the types of some allow only the latter.
  return Object.assign(options, {
    initialData: undefined,
    notifyOnChangeProps: undefined,
    placeholderData: undefined,
    select: undefined,
    persister: undefined,
  });
}

/**
 * Ms from `dataUpdatedAt` to the token's stale time. Negative without end for a token that is over:
 * 0 would count as fresh once the clock was turned back.
 */
function staleTimeMs(token: GuestToken | undefined, updatedAtMs: number): number {
  if (!(token instanceof GuestToken) || token.isStale()) return Number.NEGATIVE_INFINITY;
  return Math.min(token.staleAtMs - updatedAtMs, MAX_TIMER_MS);
}
