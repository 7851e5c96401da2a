import { DEFAULT_ENDPOINT } from '../core/defaults.ts';
import { anonymousVisitors } from '../server/anonymousVisitors.ts';
import type { Authorize } from '../server/authorize.ts';
import { createGuestTokenBroker, type GuestTokenBroker } from '../server/createGuestTokenBroker.ts';
import type { BrokerEvent } from '../server/events.ts';
import { createClientAddress } from '../server/limits/clientAddress.ts';
import { createHealth, type Health } from './health.ts';
import { type HttpServer, listen, type RefusedConnection } from './httpServer.ts';
import { createLog, type Log, type LogLevel } from './log.ts';
import { makeIssuer } from './makeIssuer.ts';
import { UsageError } from './readSettings.ts';
import { fetchWithTrace } from './requestContext.ts';
import { createRequestHandler } from './requestHandler.ts';
import type { SandboxServer } from './sandboxServer.ts';
import type { GenesysSettings, ServeSettings } from './settings.ts';
import { openRedis, type SharedRedis } from './sharedRedis.ts';
import { closeOnSignals } from './shutdown.ts';

/** Runs the broker until SIGTERM or SIGINT, and the sandbox's API beside it where there is one. */
export async function serve(
  genesys: GenesysSettings,
  sandbox: SandboxServer | undefined,
  settings: ServeSettings,
): Promise<void> {
  const log = createLog(settings.logLevel);
  const redis = await openRedisOf(settings, log);
  const issuer = makeIssuer(genesys, sandbox, fetchWithTrace);
  const watch = createWatch(log);
  const broker = createGuestTokenBroker({
    issuer,
    authorize: whoAsks(settings.cookieSecret, genesys.sandbox),
    allowedOrigins: settings.allowedOrigins,
    pool: redis?.pool,
    limits: limitsOf(settings, redis),
    onEvent: watch.onEvent,
  });
  const health = createHealth({
    counts: watch.counts,
    login: async () => issuer.ready?.({ signal: new AbortController().signal }),
    isCircuitOpen: watch.isCircuitOpen,
    isRedisReady: redis?.isReady,
  });
  const server = await listenOn(settings, log, broker, health, sandbox);
  closeOnSignals(log, {
    drainMs: settings.drainMs,
    shutdownMs: settings.shutdownMs,
    drain: health.drain,
    async close() {
      await server.close();
      // after the broker: its last answers may still need Genesys
      await sandbox?.close();
    },
  });
  log.write('info', 'listening', { url: server.url, sandbox: sandbox !== undefined });
}

function limitsOf(
  {
    perVisitor,
    perIp,
    trustedProxies,
    ipv6PrefixLength,
    upstream,
    maxWaitMs,
    redisPrefix,
  }: ServeSettings,
  redis: SharedRedis | undefined,
) {
  const limits = { perVisitor, perIp, trustedProxies, ipv6PrefixLength, upstream, maxWaitMs };
  return redis ? { ...limits, redis: redis.client, prefix: redisPrefix } : limits;
}

async function openRedisOf(
  { redisUrl, redisPrefix: prefix, encryptionKey }: ServeSettings,
  log: Log,
): Promise<SharedRedis | undefined> {
  if (redisUrl === undefined) return undefined;
  return openRedis(redisUrl, { encryptionKey, prefix }, (state) =>
    log.write(state.ready ? 'info' : 'warn', 'redis', state),
  );
}

/** @throws UsageError */
function whoAsks(cookieSecret: string | undefined, isSandbox: boolean): Authorize {
  const secret = cookieSecret ?? (isSandbox ? crypto.randomUUID() : undefined);
  if (secret !== undefined) return anonymousVisitors({ cookieSecret: secret });
  throw new UsageError(
    'Set GUEST_TOKEN_COOKIE_SECRET to a random text of 32 characters or more: it signs the cookie that tells visitors apart.',
  );
}

interface Watch {
  readonly counts: Readonly<Record<string, number>>;
  readonly onEvent: (event: BrokerEvent) => void;
  readonly isCircuitOpen: () => boolean;
}

/** Logs and counts what the broker does. */
function createWatch(log: Log): Watch {
  const counts: Record<string, number> = {};
  let circuitOpenUntilMs = 0;
  return {
    counts,
    onEvent(event) {
      counts[event.type] = (counts[event.type] ?? 0) + 1;
      if (event.type === 'circuit-opened') circuitOpenUntilMs = event.untilMs;
      if (event.type === 'circuit-closed') circuitOpenUntilMs = 0;
      log.write(levelOf(event), 'broker', event);
    },
    isCircuitOpen: () => circuitOpenUntilMs > Date.now(),
  };
}

/** Who attacks with connections shall not fill the log too: a line a second for each reason. */
function createRefusalLog(log: Log): (refused: RefusedConnection) => void {
  const unreported = new Map<string, number>();
  return (refused) => {
    const { reason } = refused;
    const count = unreported.get(reason);
    unreported.set(reason, (count ?? 0) + 1);
    if (count !== undefined) return;
    log.write('warn', 'refused', refused);
    setTimeout(() => {
      const more = unreported.get(reason) ?? 0;
      unreported.delete(reason);
      if (more > 1) log.write('warn', 'refused', { reason, more: more - 1 });
    }, 1000).unref();
  };
}

function levelOf(event: BrokerEvent): LogLevel {
  if (event.type === 'failed') return event.status >= 500 ? 'error' : 'info';
  if (event.type === 'pooled') return 'debug';
  const isNormal = ['issued', 'limited', 'circuit-closed'].includes(event.type);
  return isNormal ? 'info' : 'warn';
}

function listenOn(
  settings: ServeSettings,
  log: Log,
  broker: GuestTokenBroker,
  health: Health,
  sandbox: SandboxServer | undefined,
): Promise<HttpServer> {
  const { port, host: hostname, logAddress, trustedProxies, allowedHosts } = settings;
  const addressOf = createClientAddress({ trustedProxies, ipv6PrefixLength: 128 });
  const handler = createRequestHandler({
    log,
    allowedHosts,
    describe: (request) => (logAddress ? { address: addressOf(request) } : {}),
    answer(request, path) {
      if (path === '/healthz' || path === '/readyz') return healthAnswer(request, path, health);
      if (path === '/' || path === DEFAULT_ENDPOINT) return broker(request);
      return sandbox?.answer(request) ?? new Response(null, { status: 404 });
    },
  });
  return listen(
    {
      port,
      hostname,
      limits: settings,
      onRefused: createRefusalLog(log),
    },
    handler,
  );
}

async function healthAnswer(
  { method }: Request,
  path: '/healthz' | '/readyz',
  health: Health,
): Promise<Response> {
  if (method !== 'GET') return new Response(null, { status: 405, headers: { Allow: 'GET' } });
  const headers = { 'Cache-Control': 'no-store' };
  if (path === '/healthz') return Response.json(health.alive(), { headers });
  const { isReady, ...state } = await health.ready();
  return Response.json(state, { status: isReady ? 200 : 503, headers });
}
