// graphqlRequest.ts
import { GraphQLClient } from 'graphql-request';

/** @param guestFetch what `useGuestFetch()` gives */
export function conversationsGraph(guestFetch: typeof fetch, url: string): GraphQLClient {
  return new GraphQLClient(url, { fetch: guestFetch });
}
