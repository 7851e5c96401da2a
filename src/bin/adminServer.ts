import { answerProbe, type Health, isProbe } from './health.ts';
import { type HttpServer, listen } from './httpServer.ts';
import type { Metrics } from './metrics.ts';
import type { ServeSettings } from './settings/settings.ts';

/** A port of its own, so that the internet does not read the metrics: `/metrics` and the health checks. */
export function startAdminServer(
  { adminPort = 0, adminHost }: ServeSettings,
  { registry }: Metrics,
  health: Health,
): Promise<HttpServer> {
  const where = { port: adminPort, hostname: adminHost, flagPrefix: 'admin-' };
  return listen(where, async (request) => {
    const { pathname } = new URL(request.url);
    if (isProbe(pathname)) return answerProbe(request, pathname, health);
    if (pathname !== '/metrics') return new Response(null, { status: 404 });
    return new Response(await registry.metrics(), {
      headers: { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' },
    });
  });
}
