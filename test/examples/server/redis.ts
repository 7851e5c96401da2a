// redisBroker.ts: several machines share one pool and count their limits together
import {
  anonymousVisitors,
  createGuestTokenBroker,
  redisTokenPool,
  webchatVisitors,
} from 'react-guest-token/server';
import { createClient } from 'redis';

const { env } = process;

export const redis = createClient({ url: env.REDIS_URL ?? '' });
// The client reconnects on its own, but without a listener a connection error would end the process.
redis.on('error', (error) => console.error(error));
// Not awaited, because the broker works without it, too.
redis.connect().catch(() => undefined);

export const broker = createGuestTokenBroker({
  issuer: webchatVisitors({
    clientId: env.GENESYS_CLIENT_ID,
    clientSecret: env.GENESYS_CLIENT_SECRET,
    environment: env.GENESYS_ENVIRONMENT,
  }),
  authorize: anonymousVisitors({ cookieSecret: env.COOKIE_SECRET ?? '' }),
  pool: redisTokenPool(redis, { encryptionKey: env.POOL_KEY }),
  limits: { redis, perVisitor: 30, perIp: 120, trustedProxies: 1 },
  onEvent: (event) => console.log(JSON.stringify(event)),
});
