import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import { createSandboxConversations } from './conversations.ts';
import { failure, withFault } from './failure.ts';
import { createFaultSwitches, type SandboxFaultInput, type SandboxOperation } from './faults.ts';
import { createSandboxMessaging, type SandboxSignIn } from './messagingTokens.ts';
import {
  type Call,
  isForm,
  type Route,
  routes,
  type SandboxSettings,
  type World,
} from './operations.ts';
import { genesysError, randomId } from './replies.ts';
import { createAccessTokens, createGuestTokens, type IssuedGuestToken } from './tokens.ts';

export interface SandboxCloudOptions extends Partial<SandboxSettings> {
  /** The region's domain. Default `"mypurecloud.com"`. */
  readonly environment?: string;
  /** Default `https://api.{environment}`. */
  readonly apiUrl?: string;
  /** Default `https://login.{environment}`. */
  readonly loginUrl?: string;
  /** Default `"sandbox-client"`. */
  readonly clientId?: string;
  /** Default `"sandbox-secret"`. */
  readonly clientSecret?: string;
  /** The channels that exist. Default `"webchat-default"`. */
  readonly channelId?: string | readonly string[];
  /** For authenticated web messaging. Default `"sandbox-deployment"`. */
  readonly deploymentId?: string;
  /** What a wrong client secret is answered with; Genesys' documents leave open which. Default 401. */
  readonly invalidClientStatus?: 400 | 401;
  /** Faults that are on from the start. */
  readonly faults?: Readonly<Partial<Record<SandboxOperation, SandboxFaultInput>>>;
  /** Epoch ms. Default `Date.now`, looked up at each call. */
  readonly now?: () => number;
}

/** One request that reached the sandbox, for a test to look at. */
export interface SandboxRequest {
  readonly operation: SandboxOperation;
  readonly method: string;
  readonly path: string;
  /** Epoch ms, on the sandbox's clock. */
  readonly atMs: number;
  readonly headers: Headers;
  /** The parsed JSON or form; undefined where there was none. */
  readonly body: unknown;
  /** What was answered; undefined while there is none, and for a cut connection. */
  readonly status: number | undefined;
}

export interface SandboxCloud {
  readonly apiUrl: string;
  readonly loginUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /**
   * Genesys Cloud as a `fetch`. Rejects as `fetch` does: with a TypeError for a cut connection and
   * for a host that is not the sandbox's, with the signal's reason when aborted.
   */
  readonly fetch: typeof fetch;
  /**
   * Switches a fault on: for the next `times` requests of an operation, or without `times` until
   * `clear`, `reset` or another lasting one replaces it.
   *
   * @throws GuestTokenError `misconfigured`
   */
  fault(operation: SandboxOperation, fault: SandboxFaultInput, limit?: { times?: number }): void;
  /** Switches off the faults of one operation, or of all. */
  clear(operation?: SandboxOperation): void;
  /** Changes what is named, for the requests that come. */
  configure(settings: Partial<SandboxSettings>): void;
  /** Back to the start: no tokens, no messages, no log, the faults and settings of the options. */
  reset(): void;
  /** The latest 1,000 requests, oldest first. */
  readonly requests: readonly SandboxRequest[];
  /** How many requests came since the start or the last `reset`: of one operation, or of all. */
  count(operation?: SandboxOperation): number;
  /** The guest tokens that work, or did until their end. */
  readonly issued: readonly IssuedGuestToken[];
  /** Makes guest tokens useless before their end: one visitor's, or all. */
  revokeGuestTokens(externalId?: string): void;
  /** Makes all OAuth access tokens useless before their end. */
  revokeAccessTokens(): void;
  /**
   * Signs a visitor in at the identity provider of authenticated Web Messaging.
   *
   * @returns the code, or the ID token, that your page would get; the exchange takes it once
   */
  signIn(signIn: SandboxSignIn): string;
}

const LOG_LENGTH = 1000;

const DEFAULT_SETTINGS: SandboxSettings = {
  tokenLifeSeconds: 3600,
  accessTokenLifeSeconds: 86_400,
  requestsPerMinute: 300,
  clockOffsetMs: 0,
};

/** Genesys' login and API hosts as one `fetch`. `genesysSandbox` adds MSW handlers to it. */
export function createSandboxCloud(options: SandboxCloudOptions = {}): SandboxCloud {
  const { environment = 'mypurecloud.com', channelId = DEFAULT_CHANNEL_ID } = options;
  const { clientId = 'sandbox-client', clientSecret = 'sandbox-secret' } = options;
  const apiUrl = withoutSlash(options.apiUrl ?? `https://api.${environment}`);
  const loginUrl = withoutSlash(options.loginUrl ?? `https://login.${environment}`);
  const now = options.now ?? ((): number => Date.now());
  const guests = createGuestTokens();
  const world: World = {
    client: {
      id: clientId,
      secret: clientSecret,
      invalidStatus: options.invalidClientStatus ?? 401,
    },
    channels: typeof channelId === 'string' ? [channelId] : channelId,
    access: createAccessTokens(),
    guests,
    conversations: createSandboxConversations(),
    messaging: createSandboxMessaging(options.deploymentId ?? 'sandbox-deployment', guests, now),
    visitors: new Map(),
  };
  const faults = createFaultSwitches();
  const counts = new Map<SandboxOperation, number>();
  let log: (SandboxRequest & { status: number | undefined })[] = [];
  let settings = DEFAULT_SETTINGS;

  function reset(): void {
    settings = withGiven(DEFAULT_SETTINGS, options);
    world.access.revoke();
    guests.revoke();
    world.conversations.clear();
    world.messaging.clear();
    world.visitors.clear();
    counts.clear();
    log = [];
    faults.clear();
    for (const [operation, fault] of Object.entries(options.faults ?? {})) {
      // the switchboard checks the name, which Object.entries has widened to string
      faults.set(operation as SandboxOperation, fault);
    }
  }
  reset();

  /** The route of a request, or the answer to one that has none. */
  function find(request: Request): { route: Route; id: string; path: string } | Response {
    const url = request.url.replace(/[?#].*$/s, '');
    const host = url.startsWith(`${loginUrl}/`) ? 'login' : 'api';
    const base = host === 'login' ? loginUrl : apiUrl;
    if (!url.startsWith(`${base}/`)) {
      throw new TypeError(
        `The sandbox is at ${loginUrl} and ${apiUrl}, not at ${new URL(url).origin}.`,
      );
    }
    const path = url.slice(base.length);
    const route = routes.find((known) => known.host === host && known.path.test(path));
    if (!route) return genesysError(404, 'not.found', 'The requested resource was not found.');
    if (!route.methods.includes(request.method)) {
      const headers = { Allow: route.methods.join(', ') };
      return genesysError(405, 'method.not.allowed', 'The method is not allowed.', { headers });
    }
    return { route, path, id: route.path.exec(path)?.[1] ?? '' };
  }

  async function handle(request: Request): Promise<Response> {
    // a browser asks before a call with an Authorization header to another origin
    if (request.method === 'OPTIONS') return new Response(null, { status: 204 });
    const found = find(request);
    if (found instanceof Response) return found;
    const { route, id, path } = found;
    const nowMs = now();
    const body = parseBody(await request.text(), request.headers);
    const entry: (typeof log)[number] = {
      operation: route.operation,
      method: request.method,
      path,
      atMs: nowMs,
      headers: request.headers,
      body,
      status: undefined,
    };
    log.push(entry);
    if (log.length > LOG_LENGTH) log.shift();
    counts.set(route.operation, (counts.get(route.operation) ?? 0) + 1);
    const fault = faults.take(route.operation);
    const call: Call = {
      world,
      settings: withFault(settings, fault),
      fault,
      headers: request.headers,
      method: request.method,
      body,
      id,
      nowMs,
    };
    const response = (await failure(call, route, request.signal)) ?? (await route.answer(call));
    response.headers.set('Date', new Date(nowMs + call.settings.clockOffsetMs).toUTCString());
    entry.status = response.status;
    return response;
  }

  return {
    apiUrl,
    loginUrl,
    clientId,
    clientSecret,
    async fetch(input, init) {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      return withCommonHeaders(await handle(request), request.url.startsWith(`${apiUrl}/`));
    },
    fault: faults.set,
    clear: faults.clear,
    configure(changes) {
      settings = withGiven(settings, changes);
    },
    reset,
    get requests() {
      return log;
    },
    count(operation) {
      if (operation) return counts.get(operation) ?? 0;
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    },
    get issued() {
      return guests.issued;
    },
    revokeGuestTokens: guests.revoke,
    revokeAccessTokens: world.access.revoke,
    signIn: world.messaging.signIn,
  };
}

/** `base`, with those of its properties that `changes` has: an undefined never beats a default. */
function withGiven(base: SandboxSettings, changes: Partial<SandboxSettings>): SandboxSettings {
  return {
    tokenLifeSeconds: changes.tokenLifeSeconds ?? base.tokenLifeSeconds,
    accessTokenLifeSeconds: changes.accessTokenLifeSeconds ?? base.accessTokenLifeSeconds,
    requestsPerMinute: changes.requestsPerMinute ?? base.requestsPerMinute,
    clockOffsetMs: changes.clockOffsetMs ?? base.clockOffsetMs,
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

/** A page on another origin may call the API, and read what a client needs; not so the login host. */
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

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
