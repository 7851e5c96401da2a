// A process of its own: one machine of a shop, whose visitors say who they are in a header.
import { createClient } from 'redis';
import { listen } from '../../src/bin/httpServer.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';

const { REDIS_URL = '', API_URL, LOGIN_URL, PREFIX } = process.env;

const redis = await createClient({ url: REDIS_URL })
  .on('error', () => undefined)
  .connect();
const broker = createGuestTokenBroker({
  issuer: webchatVisitors({
    clientId: 'sandbox-client',
    clientSecret: 'sandbox-secret',
    apiUrl: API_URL,
    loginUrl: LOGIN_URL,
  }),
  authorize: async ({ headers }) => ({ externalId: headers.get('X-Visitor') ?? '' }),
  pool: redisTokenPool(redis, { prefix: PREFIX }),
  limits: { upstream: Number.POSITIVE_INFINITY },
  onEvent: ({ type }) => type === 'pool-unavailable' && console.log(type),
});
const { url } = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
console.log(`listening at ${url} `);
