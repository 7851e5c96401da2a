import { useGuestTokenContext } from './GuestTokenContext.ts';

/**
 * A `fetch` that carries the guest token to the page's own origin and to the provider's `origins`. A
 * refused token is replaced and the request sent once more. It stays the same function for the
 * provider's life.
 *
 * @throws GuestTokenError `misconfigured` where no GuestTokenProvider is above
 */
export function useGuestFetch(): typeof fetch {
  return useGuestTokenContext('useGuestFetch').fetch;
}
