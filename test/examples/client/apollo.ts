// apollo.ts
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';

/** @param guestFetch the return value of `useGuestFetch()` */
export function conversationsClient(guestFetch: typeof fetch, uri: string): ApolloClient {
  return new ApolloClient({
    link: new HttpLink({ uri, fetch: guestFetch }),
    cache: new InMemoryCache(),
  });
}
