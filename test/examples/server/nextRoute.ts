// app/api/guest-token/route.ts
import {
  anonymousVisitors,
  createGuestTokenBroker,
  webchatVisitors,
} from 'react-guest-token/server';

export const POST = createGuestTokenBroker({
  issuer: webchatVisitors({
    clientId: process.env.GENESYS_CLIENT_ID,
    clientSecret: process.env.GENESYS_CLIENT_SECRET,
    environment: process.env.GENESYS_ENVIRONMENT,
  }),
  // Do your visitors sign in? async (request) => ({ externalId: (await userOf(request)).id })
  authorize: anonymousVisitors({ cookieSecret: process.env.COOKIE_SECRET ?? '' }),
});
