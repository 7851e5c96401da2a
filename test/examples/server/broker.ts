// broker.ts
import {
  anonymousVisitors,
  createGuestTokenBroker,
  webchatVisitors,
} from 'react-guest-token/server';

const { env } = process;

export const broker = createGuestTokenBroker({
  issuer: webchatVisitors({
    clientId: env.GENESYS_CLIENT_ID,
    clientSecret: env.GENESYS_CLIENT_SECRET,
    environment: env.GENESYS_ENVIRONMENT,
    // in place of the environment's hosts, such as those of the sandbox
    apiUrl: env.GENESYS_API_URL,
    loginUrl: env.GENESYS_LOGIN_URL,
  }),
  // Visitors who sign in? Then: async (request) => ({ externalId: (await userOf(request)).id })
  authorize: anonymousVisitors({ cookieSecret: env.COOKIE_SECRET ?? '' }),
});
