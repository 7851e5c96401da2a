import { asRecord } from '../core/guestToken.ts';
import { createSandboxConversations, type SandboxConversations } from './sandboxConversation.ts';
import {
  ConnectionCut,
  createFaultSwitches,
  type SandboxFault,
  type SandboxFaultInput,
  type SandboxFaultKind,
  type SandboxOperation,
} from './sandboxFaults.ts';
import {
  createSandboxMessaging,
  type SandboxMessaging,
  type SandboxSignIn,
} from './sandboxMessaging.ts';
import {
  badRequest,
  genesysError,
  htmlPage,
  notAuthenticated,
  oauthError,
  randomId,
  tooManyRequests,
} from './sandboxReplies.ts';
import {
  type AccessTokens,
  createAccessTokens,
  createGuestTokens,
  type GuestTokens,
  type IssuedGuestToken,
} from './sandboxTokens.ts';

/** What can be changed while the sandbox runs. */
export interface SandboxSettings {
  /** Seconds that a guest token lives. Default 3,600. */
  tokenLifeSeconds: number;
  /** Seconds that an OAuth access token lives. Default 86,400, as at Genesys. */
  accessTokenLifeSeconds: number;
  /** Calls per access token and minute. Default 300, as at Genesys. */
  requestsPerMinute: number;
  /** Ms that Genesys' clock is ahead of the real one; negative: behind. Default 0. */
  clockOffsetMs: number;
}

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
  /** A one-time code, as an identity provider gives it, for authenticated web messaging. */
  signIn(signIn: SandboxSignIn): string;
}

const LOG_LENGTH = 1000;

/** Genesys: "at most 15 minutes". */
const MESSAGING_JWT_SECONDS = 900;

const DEFAULT_SETTINGS: SandboxSettings = {
  tokenLifeSeconds: 3600,
  accessTokenLifeSeconds: 86_400,
  requestsPerMinute: 300,
  clockOffsetMs: 0,
};

/** All that the operations share. */
interface World {
  readonly options: Required<
    Pick<SandboxCloudOptions, 'clientId' | 'clientSecret' | 'invalidClientStatus'>
  >;
  readonly channels: readonly string[];
  readonly access: AccessTokens;
  readonly guests: GuestTokens;
  readonly conversations: SandboxConversations;
  readonly messaging: SandboxMessaging;
  /** Visitor ids by channel and external id: a visitor who comes back is the same one. */
  readonly visitors: Map<string, string>;
}

/** One request on its way through an operation. */
interface Call {
  readonly world: World;
  readonly settings: SandboxSettings;
  readonly fault: SandboxFault | undefined;
  readonly headers: Headers;
  readonly method: string;
  readonly body: unknown;
  /** The path's variable part. */
  readonly id: string;
  /** Epoch ms on the real clock. */
  readonly nowMs: number;
}

interface Route {
  readonly operation: SandboxOperation;
  readonly host: 'login' | 'api';
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly answer: (call: Call) => Response | Promise<Response>;
}

const routes: readonly Route[] = [
  { operation: 'login', host: 'login', methods: ['POST'], path: /^\/oauth\/token$/, answer: login },
  {
    operation: 'visitor',
    host: 'api',
    methods: ['POST'],
    path: /^\/api\/v2\/webchat\/visitors$/,
    answer: createVisitor,
  },
  {
    operation: 'conversation',
    host: 'api',
    methods: ['GET', 'POST'],
    path: /^\/api\/v2\/webchat\/guest\/conversations\/([^/]+)\/messages$/,
    answer: converse,
  },
  {
    operation: 'exchange',
    host: 'api',
    methods: ['POST'],
    path: /^\/api\/v2\/webdeployments\/token\/oauthcodegrantjwtexchange$/,
    answer: (call) => call.world.messaging.exchange(call.body, (who) => messagingJwt(call, who)),
  },
  {
    operation: 'refresh',
    host: 'api',
    methods: ['POST'],
    path: /^\/api\/v2\/webdeployments\/token\/refresh$/,
    answer: (call) =>
      call.world.messaging.refresh(call.body, (who) => messagingJwt(call, who), call.nowMs),
  },
  {
    operation: 'revoke',
    host: 'api',
    methods: ['DELETE'],
    path: /^\/api\/v2\/webdeployments\/token\/revoke$/,
    answer: (call) => asGuest(call, (guest) => call.world.messaging.revoke(guest)),
  },
];

/** Genesys' login and API hosts as one `fetch`. `genesysSandbox` adds MSW handlers to it. */
export function createSandboxCloud(options: SandboxCloudOptions = {}): SandboxCloud {
  const { environment = 'mypurecloud.com', channelId = 'webchat-default' } = options;
  const { clientId = 'sandbox-client', clientSecret = 'sandbox-secret' } = options;
  const apiUrl = withoutSlash(options.apiUrl ?? `https://api.${environment}`);
  const loginUrl = withoutSlash(options.loginUrl ?? `https://login.${environment}`);
  const now = options.now ?? ((): number => Date.now());
  const guests = createGuestTokens();
  const world: World = {
    options: { clientId, clientSecret, invalidClientStatus: options.invalidClientStatus ?? 401 },
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
    return { route, path, id: decodeURIComponent(route.path.exec(path)?.[1] ?? '') };
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
      return withCommonHeaders(await handle(request));
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

function withFault(settings: SandboxSettings, fault: SandboxFault | undefined): SandboxSettings {
  switch (fault?.kind) {
    case 'short-life':
      return { ...settings, tokenLifeSeconds: fault.lifeSeconds ?? 30 };
    case 'opaque-token':
      return { ...settings, tokenLifeSeconds: fault.lifeSeconds ?? 86_400 };
    case 'wrong-clock':
      return { ...settings, clockOffsetMs: fault.offsetMs ?? 7_200_000 };
    default:
      return settings;
  }
}

/** What a fault answers in place of the operation; undefined: the operation answers. */
async function failure(
  { fault, nowMs, settings }: Call,
  { host }: Route,
  signal: AbortSignal,
): Promise<Response | undefined> {
  switch (fault?.kind) {
    case 'rate-limited':
      return tooManyRequests(fault, nowMs + settings.clockOffsetMs);
    case 'unauthorized':
      return host === 'login'
        ? oauthError(401, fault.code ?? 'invalid_client', 'authentication failed')
        : notAuthenticated(fault.code ?? 'bad.credentials');
    case 'forbidden':
      return host === 'login'
        ? oauthError(403, fault.code ?? 'unauthorized_client', 'client not authorized')
        : missingPermission(fault.code);
    case 'unavailable':
      return genesysError(fault.status ?? 503, 'service.unavailable', 'The service failed.');
    case 'html':
      return htmlPage(fault.status ?? 200);
    case 'cut':
      throw new ConnectionCut();
    case 'hang':
      return pause(signal);
    case 'slow':
      await pause(signal, fault.delayMs ?? 1500);
      return undefined;
    default:
      return undefined;
  }
}

/** Waits for so many ms, or for ever; rejects when the caller gives up. */
function pause<Nothing extends undefined>(
  signal: AbortSignal,
  delayMs?: number,
): Promise<Nothing | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = delayMs === undefined ? undefined : setTimeout(() => resolve(undefined), delayMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function missingPermission(code = 'missing.permissions'): Response {
  return genesysError(
    403,
    code,
    'Unable to perform the requested action. You are missing the following permission(s): webchat:visitor:create',
    { body: { messageParams: { permissions: 'webchat:visitor:create' } } },
  );
}

/** OAuth 2, client credentials with HTTP Basic. */
function login({ world, settings, headers, body, nowMs }: Call): Response {
  const { clientId, clientSecret, invalidClientStatus } = world.options;
  if (!isForm(headers)) return oauthError(400, 'invalid_request', 'the body must be a form');
  // As it stands, not form-decoded as RFC 6749 (2.3.1) would have it: Genesys' own SDKs send it raw,
  // so that is the one spelling which is known to work.
  if (headers.get('Authorization') !== `Basic ${btoa(`${clientId}:${clientSecret}`)}`) {
    return oauthError(invalidClientStatus, 'invalid_client', 'client not found or wrong secret');
  }
  const { grant_type: grant } = asRecord(body);
  if (grant === undefined) return oauthError(400, 'invalid_request', 'grant_type is missing');
  if (grant !== 'client_credentials') {
    return oauthError(400, 'unsupported_grant_type', 'only client_credentials is played here');
  }
  return Response.json({
    access_token: world.access.issue(nowMs, settings.accessTokenLifeSeconds),
    token_type: 'bearer',
    expires_in: settings.accessTokenLifeSeconds,
  });
}

/** The reference's visitor call. */
function createVisitor(call: Call): Response {
  const { world, settings, fault, headers, body, nowMs } = call;
  const authorization = headers.get('Authorization');
  const admitted = world.access.admit(authorization, nowMs, settings.requestsPerMinute);
  const response = admitted.refusal ?? visitorReply();
  for (const [name, value] of Object.entries(admitted.headers)) response.headers.set(name, value);
  return response;

  function visitorReply(): Response {
    const { channelId, externalId, attributes = {} } = asRecord(body);
    if (typeof channelId !== 'string' || !world.channels.includes(channelId)) {
      return badRequest('The field "channelId" names no channel.');
    }
    if (typeof externalId !== 'string' || externalId === '') {
      return badRequest('The field "externalId" must be a text that is not empty.');
    }
    if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
      return badRequest('The field "attributes" must be an object.');
    }
    const { token, visitorId } = issueTo(call, externalId, `${channelId} ${externalId}`, {
      lifeSeconds: settings.tokenLifeSeconds,
      form: tokenForm(fault),
    });
    const createdTime = new Date(nowMs + settings.clockOffsetMs).toISOString();
    return Response.json({
      id: visitorId,
      token,
      created_time: createdTime,
      updated_time: createdTime,
      state: 'active',
      external_id: externalId,
      channel_id: channelId,
    });
  }
}

function tokenForm(fault: SandboxFault | undefined): 'jwt' | 'opaque' | 'empty' {
  const forms: Partial<Record<SandboxFaultKind, 'opaque' | 'empty'>> = {
    'opaque-token': 'opaque',
    'empty-token': 'empty',
  };
  return forms[fault?.kind ?? 'cut'] ?? 'jwt';
}

function messagingJwt(call: Call, externalId: string): IssuedGuestToken {
  const lifeSeconds = Math.min(call.settings.tokenLifeSeconds, MESSAGING_JWT_SECONDS);
  return issueTo(call, externalId, externalId, { lifeSeconds, form: tokenForm(call.fault) });
}

function issueTo(
  { world, settings, nowMs }: Call,
  externalId: string,
  visitorKey: string,
  { lifeSeconds, form }: { lifeSeconds: number; form: 'jwt' | 'opaque' | 'empty' },
): IssuedGuestToken {
  const visitorId = world.visitors.get(visitorKey) ?? `visitor-${randomId()}`;
  world.visitors.set(visitorKey, visitorId);
  const { clockOffsetMs } = settings;
  return world.guests.issue({ externalId, visitorId, nowMs, clockOffsetMs, lifeSeconds, form });
}

function converse(call: Call): Response {
  const { world, id, method, body, nowMs } = call;
  return asGuest(call, (guest) =>
    method === 'GET'
      ? world.conversations.read(id, guest)
      : world.conversations.write(id, guest, body, nowMs),
  );
}

function asGuest(
  { world, headers, nowMs }: Call,
  act: (guest: IssuedGuestToken) => Response,
): Response {
  const guest = world.guests.check(headers.get('Authorization'), nowMs);
  return guest instanceof Response ? guest : act(guest);
}

function isForm(headers: Headers): boolean {
  return (headers.get('Content-Type') ?? '').startsWith('application/x-www-form-urlencoded');
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

/** A page on another origin may call the API and read what a client needs. */
function withCommonHeaders(response: Response): Response {
  const { headers } = response;
  if (!headers.has('ININ-Correlation-Id')) headers.set('ININ-Correlation-Id', randomId());
  headers.set('Cache-Control', 'no-store');
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
