// What every runtime serves: brokers and the guest fetch, by path.
import { createGuestFetch } from 'react-guest-token/core';
import {
  anonymousVisitors,
  createGuestTokenBroker,
  type GuestTokenBrokerOptions,
  webchatVisitors,
} from 'react-guest-token/server';

/** Where the sandbox listens, and a server that answers everything with a redirect. */
export interface Upstreams {
  readonly LOGIN_URL: string;
  readonly API_URL: string;
  readonly REDIRECTING_URL: string;
}

type Handler = (request: Request) => Promise<Response>;

export function createHandler(upstreams: Upstreams): Handler {
  const { LOGIN_URL, API_URL, REDIRECTING_URL } = upstreams;
  const paths: Record<string, Handler> = {
    '/api/guest-token': brokerOf({ loginUrl: LOGIN_URL, apiUrl: API_URL }),
    '/listener-throws': brokerOf({ loginUrl: LOGIN_URL, apiUrl: API_URL }, () => {
      throw new Error('log is full');
    }),
    '/listener-rejects': brokerOf({ loginUrl: LOGIN_URL, apiUrl: API_URL }, async () => {
      throw new Error('log is full');
    }),
    '/login-redirects': brokerOf({ loginUrl: REDIRECTING_URL, apiUrl: API_URL }),
    '/api-redirects': brokerOf({ loginUrl: LOGIN_URL, apiUrl: REDIRECTING_URL }),
    '/call': () => guestCall(`${API_URL}/echo`),
    '/call-redirects': () => guestCall(`${REDIRECTING_URL}/echo`),
  };
  return async (request) => {
    const answer = paths[new URL(request.url).pathname];
    return answer ? answer(request) : new Response(null, { status: 404 });
  };
}

function brokerOf(
  hosts: { loginUrl: string; apiUrl: string },
  onEvent?: GuestTokenBrokerOptions['onEvent'],
): Handler {
  let broker: Handler | undefined;
  return (request) => {
    // Made at the first request: workerd has no random numbers before that.
    broker ??= createGuestTokenBroker({
      issuer: webchatVisitors({
        clientId: 'sandbox-client',
        clientSecret: 'sandbox-secret',
        ...hosts,
      }),
      authorize: anonymousVisitors({ cookieSecret: 'a secret of the tests, 32 or more' }),
      onEvent,
    });
    return broker(request);
  };
}

/** One call of the guest fetch: its status, or the name of the error. */
async function guestCall(url: string): Promise<Response> {
  const guestFetch = createGuestFetch({
    session: () => ({ getToken: async () => 'guest-token', reject: () => false }),
    origins: [new URL(url).origin],
  });
  try {
    const { status } = await guestFetch(url, { method: 'POST', body: 'hello' });
    return Response.json({ status });
  } catch (error) {
    return Response.json({ error: error instanceof Error ? error.name : 'unknown' });
  }
}
