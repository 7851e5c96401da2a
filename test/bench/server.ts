// A process of its own with one HTTP server: a handler that is `bare`, or the broker with a pool in
// `memory` or `redis`; `deployed` or `deployed-redis`: with visitors' cookies and limits too;
// `logged`: that with ids, log lines and metrics, as the command line serves it.
import { createWriteStream } from 'node:fs';
import { createClient } from 'redis';
import { type HttpHandler, listen } from '../../src/bin/httpServer.ts';
import { createLog } from '../../src/bin/log.ts';
import { createMetrics } from '../../src/bin/metrics.ts';
import { createRequestHandler } from '../../src/bin/requestHandler.ts';
import { createWatch } from '../../src/bin/watch.ts';
import { anonymousVisitors } from '../../src/server/anonymousVisitors.ts';
import {
  createGuestTokenBroker,
  type GuestTokenBrokerOptions,
} from '../../src/server/createGuestTokenBroker.ts';
import type { BrokerLimits } from '../../src/server/limits/brokerLimits.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { COOKIE_SECRET } from './cookie.ts';

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

/** Reads the body and answers what the broker answers, and does nothing else; as one would write it. */
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

/** Above all rates that are measured here: what counting costs is measured, and nobody refused. */
const UNREACHED = 1_000_000_000;

/** The broker as it stands before a site: visitors by their cookie, limits by visitor and address. */
const deployed = (limits: BrokerLimits = {}): Partial<GuestTokenBrokerOptions> => ({
  authorize: anonymousVisitors({ cookieSecret: COOKIE_SECRET }),
  limits: { perVisitor: UNREACHED, perIp: UNREACHED, ...limits },
});

const broker = (options: Partial<GuestTokenBrokerOptions>): HttpHandler =>
  createGuestTokenBroker({
    issuer: { issue: async () => ({ ...reply, external_id: undefined }) },
    authorize: async () => ({ externalId: 'ada' }),
    ...options,
  });

function logged(): HttpHandler {
  const log = createLog('info', createWriteStream('/dev/null'));
  const watch = createWatch(log);
  const metrics = createMetrics({
    paceLimit: 300,
    isCircuitOpen: watch.isCircuitOpen,
    droppedLogLines: () => log.droppedLines,
    isRedisReady: undefined,
  });
  const answer = broker({
    ...deployed(),
    onEvent(event) {
      watch.onEvent(event);
      metrics.onEvent(event);
    },
  });
  return createRequestHandler({ log, allowedHosts: [], onAnswer: metrics.onRequest, answer });
}

async function handler(): Promise<HttpHandler> {
  if (kind === 'memory') return broker({});
  if (kind === 'deployed') return broker(deployed());
  if (kind === 'logged') return logged();
  if (redisUrl === undefined) return bare;
  const redis = await createClient({ url: redisUrl }).connect();
  const pool = redisTokenPool(redis);
  if (kind === 'redis') return broker({ pool });
  return broker({ pool, ...deployed({ redis }) });
}

const { url } = await listen({ port: 0, hostname: '127.0.0.1' }, await handler());
process.send?.({ url });
// asked: what it has cost so far
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
