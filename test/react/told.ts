// What the hook and the query say of a token, in the same words.
import type { UseQueryResult } from '@tanstack/react-query';
import type { GuestToken, GuestTokenError, GuestTokenView } from '../../src/index.ts';

export interface Told {
  readonly status: string;
  readonly token: string | undefined;
  readonly visitorId: string | undefined;
  readonly expiresAtMs: number | undefined;
  readonly error: GuestTokenError | null;
  readonly isFetching: boolean;
}

export function byHook(view: GuestTokenView): Told {
  const { status, token, visitorId, expiresAtMs, error, isFetching } = view;
  // With externalId null there is no query; a query can only wait.
  return {
    status: status === 'idle' ? 'pending' : status,
    token,
    visitorId,
    expiresAtMs,
    error,
    isFetching,
  };
}

export type Query = Pick<
  UseQueryResult<GuestToken, GuestTokenError>,
  'status' | 'data' | 'error' | 'fetchStatus'
> & { readonly failureReason: GuestTokenError | null };

export function byQuery({ status, data, error, failureReason, fetchStatus }: Query): Told {
  return {
    // a failure beside data is "error" to React Query
    status: data ? 'success' : status,
    token: data?.value,
    visitorId: data?.visitorId,
    expiresAtMs: data?.expiresAtMs,
    // between two attempts it is not an error yet, but the reason of the wait
    error: error ?? failureReason,
    isFetching: fetchStatus === 'fetching',
  };
}
