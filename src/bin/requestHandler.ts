import type { ServerRequest } from 'srvx';
import { isProbe } from './health.ts';
import type { HttpHandler } from './httpServer.ts';
import type { Log } from './log.ts';
import { readContext, runForRequest } from './requestContext.ts';

export interface RequestHandlerOptions {
  readonly log: Log;
  /** Host names, with or without a port, that requests may name; none: any. */
  readonly allowedHosts: readonly string[];
  /** Answers by path. */
  readonly answer: (request: ServerRequest, path: string) => Response | Promise<Response>;
  /** What a log line says about who asks. */
  readonly describe?: (request: ServerRequest) => object;
  /** Told of each answer. */
  readonly onAnswer?: ((durationMs: number) => void) | undefined;
}

/**
 * Gives each request an id, which its answer and all its log lines carry, and logs one line for it:
 * the path only, since a query or a body may hold anything.
 */
export function createRequestHandler(options: RequestHandlerOptions): HttpHandler {
  const { log, answer, describe = () => ({}), onAnswer } = options;
  const allowedHosts = options.allowedHosts.map((host) => host.toLowerCase());

  async function respond(request: ServerRequest, path: string): Promise<[Response, object]> {
    const host = request.headers.get('Host') ?? '';
    if (!isHost(host) || (!isProbe(path) && !isAllowed(host, allowedHosts))) {
      return [badRequest(), { reason: 'wrong_host', host }];
    }
    try {
      return [await answer(request, path), {}];
    } catch (error) {
      const thrown = error instanceof Error ? error.name : 'unknown';
      return [new Response(null, { status: 500 }), { reason: 'crashed', thrown }];
    }
  }

  return (request) => {
    const startedAtMs = performance.now();
    const context = readContext(request.headers);
    return runForRequest(context, async () => {
      const path = pathOf(request);
      const [response, why] = await respond(request, path);
      response.headers.set('X-Request-Id', context.id);
      const { status } = response;
      const durationMs = performance.now() - startedAtMs;
      onAnswer?.(durationMs);
      const level = status >= 500 ? 'warn' : status === 200 && isProbe(path) ? 'debug' : 'info';
      log.write(level, 'request', {
        method: request.method,
        path,
        status,
        durationMs: Math.round(durationMs),
        ...why,
        ...describe(request),
      });
      return response;
    });
  };
}

/** Not by `request.url`, which is no URL where the host is none. */
function pathOf(request: ServerRequest): string {
  const target = request.runtime?.node?.req.url ?? request.url;
  if (target.startsWith('/')) return target.replace(/[?#].*$/s, '');
  return URL.canParse(target) ? new URL(target).pathname : '/';
}

function isHost(host: string): boolean {
  return /^[\w.:[\]-]+$/.test(host) && URL.canParse(`http://${host}`);
}

function isAllowed(host: string, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  const name = host.toLowerCase();
  return allowed.includes(name) || allowed.includes(name.replace(/:\d+$/, ''));
}

function badRequest(): Response {
  return new Response('The Host header names no host of this server.\n', {
    status: 400,
    headers: { 'Content-Type': 'text/plain', Connection: 'close' },
  });
}
