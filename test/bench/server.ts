// A process of its own with one HTTP server: a handler that is `bare`, or the broker
// with a pool in `memory` or `redis`.
import { createClient } from 'redis';
import { type HttpHandler, listen } from '../../src/bin/httpServer.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';
import { memoryTokenPool, type TokenPool } from '../../src/server/pool/tokenPool.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

const [kind, redisUrl] = process.argv.slice(2);

const LIFE_S = 3600;
const reply = {
  id: 'visitor-0b6f6f3e-6f0c-4b52-9d0c-2f4f0f6f7a10',
  token: fakeGuestToken({ lifeSeconds: LIFE_S }),
  created_time: new Date().toISOString(),
  updated_time: new Date().toISOString(),
  state: 'active',
  external_id: 'ada',
  channel_id: 'webchat-default',
};

/** Reads the body and answers what the broker answers, and does nothing else. */
const bare: HttpHandler = async (request) => {
  await request.json();
  const headers = {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    Vary: 'Origin',
    Date: new Date().toUTCString(),
    'X-Content-Type-Options': 'nosniff',
  };
  return new Response(JSON.stringify({ ...reply, expires_in: LIFE_S }), { headers });
};

const broker = (pool: TokenPool): HttpHandler =>
  createGuestTokenBroker({
    issuer: { issue: async () => reply },
    authorize: async () => ({ externalId: 'ada' }),
    pool,
  });

async function handler(): Promise<HttpHandler> {
  if (kind === 'memory') return broker(memoryTokenPool());
  if (kind !== 'redis') return bare;
  return broker(redisTokenPool(await createClient({ url: redisUrl ?? '' }).connect()));
}

const { url } = await listen({ port: 0, hostname: '127.0.0.1' }, await handler());
process.send?.({ url });
// asked: what it has cost so far
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
