import { QueryClient } from '@tanstack/react-query';

let ownClient: QueryClient | undefined;

/**
 * The client of providers that were given none: one for the page, so that two providers of one
 * visitor share a request. On a server one for each, so that nothing is shared between visitors.
 */
export function pageClient(): QueryClient {
  if (!globalThis.window) return new QueryClient();
  ownClient ??= new QueryClient();
  return ownClient;
}
