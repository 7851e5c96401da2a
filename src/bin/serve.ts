import { DEFAULT_ENDPOINT } from '../core/defaults.ts';
import { createGuestTokenBroker, type GuestTokenBroker } from '../server/createGuestTokenBroker.ts';
import { createClientAddress } from '../server/limits/clientAddress.ts';
import { startAdminServer } from './adminServer.ts';
import { answerProbe, createHealth, type Health, isProbe } from './health.ts';
import { type HttpServer, listen, type RefusedConnection } from './httpServer.ts';
import { createLog, type Log } from './log.ts';
import { makeIssuer } from './makeIssuer.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { fetchWithTrace } from './requestContext.ts';
import { createRequestHandler } from './requestHandler.ts';
import type { SandboxServer } from './sandboxServer.ts';
import type { GenesysSettings, ServeSettings } from './settings/settings.ts';
import { openRedis, type SharedRedis } from './sharedRedis.ts';
import { closeOnSignals } from './shutdown.ts';
import { createProxyWarning, createRefusalLog, createWatch } from './watch.ts';
import { whoAsks } from './whoAsks.ts';

/** Runs the broker until SIGTERM or SIGINT, and the sandbox's API beside it where there is one. */
export async function serve(
  genesys: GenesysSettings,
  sandbox: SandboxServer | undefined,
  settings: ServeSettings,
): Promise<void> {
  const log = createLog(settings.logLevel);
  const redis = await openRedisOf(settings, log);
  const watch = createWatch(log);
  const metrics =
    settings.adminPort === undefined
      ? undefined
      : createMetrics({
          paceLimit: settings.upstream,
          isCircuitOpen: watch.isCircuitOpen,
          droppedLogLines: () => log.droppedLines,
          isRedisReady: redis?.isReady,
        });
  const broker = createGuestTokenBroker({
    issuer: makeIssuer(genesys, sandbox, fetchWithTrace),
    authorize: whoAsks(settings, genesys.sandbox),
    allowedOrigins: settings.allowedOrigins,
    allowedChannels: [genesys.channelId, ...settings.allowedChannels],
    pool: redis?.pool,
    limits: limitsOf(settings, redis),
    identityKey: settings.identityKey,
    onEvent(event) {
      watch.onEvent(event);
      metrics?.onEvent(event);
      const isLogin = event.type === 'upstream-call' && event.operation === 'login';
      if (isLogin && event.status !== 200) health.loginFailed();
    },
  });
  const health = createHealth({
    counts: watch.counts,
    login: broker.ready,
    isCircuitOpen: watch.isCircuitOpen,
    isRedisReady: redis?.isReady,
  });
  // Not closed: it shows the last requests' numbers until the process ends.
  const admin = metrics && (await startAdminServer(settings, metrics, health));
  const server = await listenOn(settings, { log, metrics, broker, health, sandbox });
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
  if (admin) log.write('info', 'admin-listening', { url: admin.url });
  log.write('info', 'listening', { url: server.url, sandbox: sandbox !== undefined });
}

function limitsOf(
  {
    perVisitor,
    perIp,
    newVisitorsPerIp,
    trustedProxies,
    ipv6PrefixLength,
    upstream,
    maxWaitMs,
    redisPrefix,
  }: ServeSettings,
  redis: SharedRedis | undefined,
) {
  const limits = {
    perVisitor,
    perIp,
    newVisitorsPerIp,
    trustedProxies,
    ipv6PrefixLength,
    upstream,
    maxWaitMs,
  };
  return redis ? { ...limits, redis: redis.client, prefix: redisPrefix } : limits;
}

async function openRedisOf(
  { redisUrl, redisPrefix: prefix, encryptionKey, encryptionKeyOld }: ServeSettings,
  log: Log,
): Promise<SharedRedis | undefined> {
  if (redisUrl === undefined) return undefined;
  const keys = [encryptionKey, encryptionKeyOld].filter((key) => key !== undefined);
  const options = { prefix, encryptionKey: keys.length > 0 ? keys : undefined };
  return openRedis(redisUrl, options, (state) =>
    log.write(state.ready ? 'info' : 'warn', 'redis', state),
  );
}

interface Parts {
  readonly log: Log;
  readonly metrics: Metrics | undefined;
  readonly broker: GuestTokenBroker;
  readonly health: Health;
  readonly sandbox: SandboxServer | undefined;
}

function listenOn(
  settings: ServeSettings,
  { log, metrics, broker, health, sandbox }: Parts,
): Promise<HttpServer> {
  const { port, host: hostname, logAddress, trustedProxies, allowedHosts } = settings;
  const warnOfProxy = createProxyWarning(log, trustedProxies);
  const addressOf = createClientAddress({ trustedProxies, ipv6PrefixLength: 128 });
  const handler = createRequestHandler({
    log,
    allowedHosts,
    onAnswer: metrics?.onRequest,
    describe: (request) => (logAddress ? { address: addressOf(request) } : {}),
    answer(request, path) {
      warnOfProxy(request);
      if (isProbe(path)) return answerProbe(request, path, health);
      if (path === '/' || path === DEFAULT_ENDPOINT) return broker(request);
      return sandbox?.answer(request) ?? new Response(null, { status: 404 });
    },
  });
  const logRefused = createRefusalLog(log);
  const onRefused = (refused: RefusedConnection): void => {
    logRefused(refused);
    metrics?.onRefused(refused);
  };
  const onUpgrade = sandbox?.upgrade;
  return listen({ port, hostname, limits: settings, onRefused, onUpgrade }, handler);
}
