import { failure, withFault } from './failure.ts';
import type { SandboxFaultSwitches } from './faults.ts';
import { genesysError, randomId } from './replies.ts';
import type { RequestLog } from './requestLog.ts';
import { type Call, isForm, type Route, routes } from './routes.ts';
import type { SandboxSettings } from './settings.ts';
import type { World } from './world.ts';

export interface HttpHostsOptions {
  readonly apiUrl: string;
  readonly loginUrl: string;
  readonly world: World;
  readonly faults: SandboxFaultSwitches;
  readonly log: RequestLog;
  readonly settings: () => SandboxSettings;
  readonly now: () => number;
}

/** Genesys' login and API hosts as one `fetch`. */
export function createHttpHosts(options: HttpHostsOptions): typeof fetch {
  const { apiUrl, loginUrl, world, faults, log, settings, now } = options;

  /** The route of a request, or the answer to one that has none. */
  function find(request: Request): Response | { route: Route; ids: string[]; path: string } {
    const url = request.url.replace(/[?#].*$/s, '');
    const host = url.startsWith(`${loginUrl}/`) ? 'login' : 'api';
    const base = host === 'login' ? loginUrl : apiUrl;
    if (!url.startsWith(`${base}/`)) {
      throw new TypeError(
        `The sandbox is at ${loginUrl} and ${apiUrl}, not at ${new URL(url).origin}.`,
      );
    }
    const path = url.slice(base.length);
    const ofPath = routes.filter((known) => known.host === host && known.path.test(path));
    const route = ofPath.find(({ methods }) => methods.includes(request.method));
    if (route) return { route, path, ids: route.path.exec(path)?.slice(1) ?? [] };
    if (ofPath.length === 0) {
      return genesysError(404, 'not.found', 'The requested resource was not found.');
    }
    const headers = { Allow: ofPath.flatMap(({ methods }) => methods).join(', ') };
    return genesysError(405, 'method.not.allowed', 'The method is not allowed.', { headers });
  }

  async function handle(request: Request): Promise<Response> {
    // a browser asks before a call with an Authorization header to another origin
    if (request.method === 'OPTIONS') return new Response(null, { status: 204 });
    const found = find(request);
    if (found instanceof Response) return found;
    const { route, ids, path } = found;
    const { method, headers, signal } = request;
    const { operation } = route;
    const nowMs = now();
    const body = parseBody(await request.text(), headers);
    const recordStatus = log.add({ operation, method, path, atMs: nowMs, headers, body });
    const fault = faults.take(operation);
    const call: Call = {
      world,
      settings: withFault(settings(), fault),
      fault,
      headers,
      method,
      body,
      ids,
      query: new URL(request.url).searchParams,
      nowMs,
    };
    const response = (await failure(call, route.host, signal)) ?? (await route.answer(call));
    response.headers.set('Date', new Date(nowMs + call.settings.clockOffsetMs).toUTCString());
    recordStatus(response.status);
    return response;
  }

  return async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    return withCommonHeaders(await handle(request), request.url.startsWith(`${apiUrl}/`));
  };
}

/** The form or JSON; undefined where it is neither. */
function parseBody(text: string, headers: Headers): unknown {
  if (isForm(headers)) return Object.fromEntries(new URLSearchParams(text));
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A page on another origin may call the API and read what a client needs, but not the login host. */
function withCommonHeaders(response: Response, isApi: boolean): Response {
  const { headers } = response;
  if (!headers.has('ININ-Correlation-Id')) headers.set('ININ-Correlation-Id', randomId());
  headers.set('Cache-Control', 'no-store');
  if (!isApi) return response;
  headers.set('Access-Control-Allow-Origin', '*');
  headers.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, Cache-Control');
  headers.set('Access-Control-Allow-Methods', 'GET, POST, DELETE');
  headers.set(
    'Access-Control-Expose-Headers',
    'Date, Retry-After, ININ-Correlation-Id, inin-ratelimit-count, inin-ratelimit-allowed, inin-ratelimit-reset',
  );
  return response;
}
