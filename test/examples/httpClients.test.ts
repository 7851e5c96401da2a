// @vitest-environment node
// HTTP clients that call through the guest fetch, over real HTTP.
import { gql } from '@apollo/client';
import { expect, test } from 'vitest';
import { createGuestFetch } from '../../src/core/index.ts';
import { fakeSession } from '../core/fakeSession.ts';
import { serve } from '../core/httpServer.ts';
import { conversationsClient as apolloClient } from './client/apollo.ts';
import { conversationsApi as axiosApi } from './client/axios.ts';
import { conversationsGraph } from './client/graphqlRequest.ts';

const QUERY = '{ conversation { id } }';

const clients = {
  axios: async (guestFetch: typeof fetch, origin: string): Promise<unknown> =>
    (await axiosApi(guestFetch, origin).post('/graphql', { query: QUERY })).data.data,
  'graphql-request': (guestFetch: typeof fetch, origin: string): Promise<unknown> =>
    conversationsGraph(guestFetch, `${origin}/graphql`).request(QUERY),
  Apollo: async (guestFetch: typeof fetch, origin: string): Promise<unknown> => {
    const client = apolloClient(guestFetch, `${origin}/graphql`);
    return (await client.query({ query: gql(QUERY) })).data;
  },
};

test.each(Object.entries(clients))(
  '%s sends its calls with the token, and a refused one once more with a new one',
  async (_name, call) => {
    const seen: (string | undefined)[] = [];
    const origin = await serve(({ headers }, response, body) => {
      seen.push(headers.authorization);
      expect(JSON.parse(body).query).toContain('conversation');
      response.statusCode = headers.authorization === 'Bearer token-2' ? 200 : 401;
      response.setHeader('Content-Type', 'application/json');
      response.end('{"data":{"conversation":{"__typename":"Conversation","id":"conversation-1"}}}');
    });
    const session = fakeSession();
    const guestFetch = createGuestFetch({ session: () => session, origins: [origin] });

    expect(await call(guestFetch, origin)).toMatchObject({
      conversation: { id: 'conversation-1' },
    });
    expect(seen).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect(session.acquisitions).toBe(2);
  },
);
