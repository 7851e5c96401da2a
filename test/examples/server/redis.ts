// Several machines: one pool, and limits that they count together.
import {
  anonymousVisitors,
  createGuestTokenBroker,
  redisTokenPool,
  webchatVisitors,
} from 'react-guest-token/server';
import { createClient } from 'redis';

const { env } = process;

// Without a listener an error of the connection would end the process.
export const redis = createClient({ url: env.REDIS_URL ?? '' }).on('error', console.error);
await redis.connect();

export const broker = createGuestTokenBroker({
  issuer: webchatVisitors({
    clientId: env.GENESYS_CLIENT_ID,
    clientSecret: env.GENESYS_CLIENT_SECRET,
  }),
  authorize: anonymousVisitors({ cookieSecret: env.COOKIE_SECRET ?? '' }),
  pool: redisTokenPool(redis, { encryptionKey: env.POOL_KEY }),
  limits: { redis, perVisitor: 60 },
});
