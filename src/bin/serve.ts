import type { ServerRequest } from 'srvx';
import { DEFAULT_ENDPOINT } from '../core/defaults.ts';
import { anonymousVisitors } from '../server/anonymousVisitors.ts';
import type { Authorize } from '../server/authorize.ts';
import { createGuestTokenBroker } from '../server/createGuestTokenBroker.ts';
import { type HttpHandler, listen } from './httpServer.ts';
import { makeIssuer } from './makeIssuer.ts';
import { UsageError } from './readSettings.ts';
import type { SandboxServer } from './sandboxServer.ts';
import type { GenesysSettings, ServeSettings } from './settings.ts';
import { openRedis, type SharedRedis } from './sharedRedis.ts';

/** What a request under way gets to finish before the process ends all the same. */
const SHUTDOWN_MS = 10_000;

/** Runs the broker until SIGTERM or SIGINT, and the sandbox's API beside it where there is one. */
export async function serve(
  genesys: GenesysSettings,
  sandbox: SandboxServer | undefined,
  { port, host: hostname, cookieSecret, allowedOrigins, redisUrl, encryptionKey }: ServeSettings,
): Promise<void> {
  const startedAtMs = Date.now();
  const counts: Record<string, number> = {};
  const redis =
    redisUrl === undefined
      ? undefined
      : await openRedis(redisUrl, { encryptionKey }, (state) => log('redis', state));
  const broker = createGuestTokenBroker({
    issuer: makeIssuer(genesys, sandbox),
    authorize: whoAsks(cookieSecret, genesys.sandbox),
    allowedOrigins,
    ...(redis && { pool: redis.pool, limits: { redis: redis.client } }),
    onEvent(event) {
      counts[event.type] = (counts[event.type] ?? 0) + 1;
      log('broker', event);
    },
  });
  const answer: HttpHandler = (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/healthz') return health(request.method, startedAtMs, counts, redis);
    if (pathname === '/' || pathname === DEFAULT_ENDPOINT) return broker(request);
    return sandbox?.answer(request) ?? new Response(null, { status: 404 });
  };
  const server = await listen({ port, hostname }, (request) => logged(request, answer));
  log('listening', { url: server.url, sandbox: sandbox !== undefined });

  let closing = false;
  async function stop(signal: string): Promise<void> {
    if (closing) return;
    closing = true;
    log('closing', { signal });
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
    await server.close();
    // after the broker: its last answers may still need Genesys
    await sandbox?.close();
    log('closed', {});
    process.exit(0);
  }
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** @throws UsageError */
function whoAsks(cookieSecret: string | undefined, isSandbox: boolean): Authorize {
  const secret = cookieSecret ?? (isSandbox ? crypto.randomUUID() : undefined);
  if (secret !== undefined) return anonymousVisitors({ cookieSecret: secret });
  throw new UsageError(
    'Set GUEST_TOKEN_COOKIE_SECRET to a random text of 32 characters or more: it signs the cookie that tells visitors apart.',
  );
}

/** Ok without Redis too: the broker serves without it. */
function health(
  method: string,
  startedAtMs: number,
  counts: object,
  redis: SharedRedis | undefined,
): Response {
  if (method !== 'GET') return new Response(null, { status: 405, headers: { Allow: 'GET' } });
  const upSeconds = Math.round((Date.now() - startedAtMs) / 1000);
  return Response.json(
    { status: 'ok', upSeconds, counts, ...(redis && { redis: redis.isReady() ? 'ok' : 'away' }) },
    { headers: { 'Cache-Control': 'no-store' } },
  );
}

/** Logs the path only: a query or a body may hold anything. */
async function logged(request: ServerRequest, answer: HttpHandler): Promise<Response> {
  const startedAtMs = performance.now();
  const response = await answer(request);
  log('request', {
    method: request.method,
    path: new URL(request.url).pathname,
    status: response.status,
    durationMs: Math.round(performance.now() - startedAtMs),
  });
  return response;
}

function log(event: string, detail: object): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...detail }));
}
