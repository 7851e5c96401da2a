// worker.ts
import {
  anonymousVisitors,
  createGuestTokenBroker,
  type GuestTokenBroker,
  webchatVisitors,
} from 'react-guest-token/server';

type Env = Record<
  'GENESYS_CLIENT_ID' | 'GENESYS_CLIENT_SECRET' | 'GENESYS_ENVIRONMENT' | 'COOKIE_SECRET',
  string
>;

// Created once per isolate, so that its requests share the access token and the pool.
let broker: GuestTokenBroker | undefined;

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    broker ??= createGuestTokenBroker({
      issuer: webchatVisitors({
        clientId: env.GENESYS_CLIENT_ID,
        clientSecret: env.GENESYS_CLIENT_SECRET,
        environment: env.GENESYS_ENVIRONMENT,
      }),
      authorize: anonymousVisitors({ cookieSecret: env.COOKIE_SECRET }),
    });
    return broker(request);
  },
};
