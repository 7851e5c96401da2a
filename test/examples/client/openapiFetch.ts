// openapiFetch.ts
import createClient, { type Client } from 'openapi-fetch';

/** What openapi-typescript generates from the API's description. */
interface Paths {
  '/api/v2/conversations/{id}/messages': {
    post: {
      parameters: { path: { id: string } };
      requestBody: { content: { 'application/json': { text: string } } };
      responses: { 200: { content: { 'application/json': { id: string; text: string } } } };
    };
  };
}

/** @param guestFetch the return value of `useGuestFetch()` */
export function conversationsClient(guestFetch: typeof fetch, baseUrl: string): Client<Paths> {
  return createClient<Paths>({ baseUrl, fetch: guestFetch });
}
