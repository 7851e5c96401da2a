// graphqlRequest.ts
import { GraphQLClient } from 'graphql-request';

/** @param guestFetch the return value of `useGuestFetch()` */
export function conversationsGraph(guestFetch: typeof fetch, url: string): GraphQLClient {
  return new GraphQLClient(url, { fetch: guestFetch });
}
