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
    // override the environment's hosts, for example with those of the sandbox
    apiUrl: env.GENESYS_API_URL,
    loginUrl: env.GENESYS_LOGIN_URL,
  }),
  // Do your visitors sign in? async (request) => ({ externalId: (await userOf(request)).id })
  authorize: anonymousVisitors({ cookieSecret: env.COOKIE_SECRET ?? '' }),
});
