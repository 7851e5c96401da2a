// broker.ts
import {
  anonymousVisitors,
  createGuestTokenBroker,
  webchatVisitors,
} from 'react-guest-token/server';

const { GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET, GENESYS_ENVIRONMENT, COOKIE_SECRET } =
  process.env;

export const broker = createGuestTokenBroker({
  issuer: webchatVisitors({
    clientId: GENESYS_CLIENT_ID,
    clientSecret: GENESYS_CLIENT_SECRET,
    environment: GENESYS_ENVIRONMENT,
  }),
  // Visitors who sign in? Then: async (request) => ({ externalId: (await userOf(request)).id })
  authorize: anonymousVisitors({ cookieSecret: COOKIE_SECRET ?? '' }),
});
