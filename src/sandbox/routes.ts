import { asRecord } from '../core/json.ts';
import type { SandboxFault, SandboxOperation } from './faults.ts';
import { readHistory } from './messagingHistory.ts';
import { badRequest, oauthError, randomId } from './replies.ts';
import type { SandboxSettings } from './settings.ts';
import { type IssuedGuestToken, type TokenForm, tokenFormOf } from './tokens.ts';
import type { World } from './world.ts';

/** Genesys: "at most 15 minutes". */
const MESSAGING_JWT_SECONDS = 900;

/** One request on its way through an operation. */
export interface Call {
  readonly world: World;
  readonly settings: SandboxSettings;
  readonly fault: SandboxFault | undefined;
  readonly headers: Headers;
  readonly method: string;
  readonly body: unknown;
  /** The path's variable parts. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  /** Epoch ms on the real clock. */
  readonly nowMs: number;
}

export interface Route {
  readonly operation: SandboxOperation;
  readonly host: 'login' | 'api';
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly answer: (call: Call) => Response | Promise<Response>;
}

export const routes: readonly Route[] = [
  { operation: 'login', host: 'login', methods: ['POST'], path: /^\/oauth\/token$/, answer: login },
  {
    operation: 'visitor',
    host: 'api',
    methods: ['POST'],
    path: /^\/api\/v2\/webchat\/visitors$/,
    answer: createVisitor,
  },
  {
    operation: 'createConversation',
    host: 'api',
    methods: ['POST'],
    path: /^\/api\/v2\/webchat\/guest\/conversations$/,
    answer: createConversation,
  },
  {
    operation: 'conversation',
    host: 'api',
    methods: ['GET'],
    path: /^\/api\/v2\/webchat\/guest\/conversations\/([^/]+)\/messages$/,
    answer: (call) =>
      asGuest(call, (guest) => call.world.webChats.read(call.ids[0] ?? '', guest, call.query)),
  },
  {
    operation: 'conversation',
    host: 'api',
    methods: ['POST'],
    path: /^\/api\/v2\/webchat\/guest\/conversations\/([^/]+)\/members\/([^/]+)\/messages$/,
    answer: writeMessage,
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
    answer: (call) => asGuest(call, (guest) => revoke(call, guest)),
  },
  {
    operation: 'history',
    host: 'api',
    methods: ['GET'],
    path: /^\/api\/v2\/webmessaging\/messages$/,
    answer: (call) => readHistory(call.world, call),
  },
];

/** OAuth 2, client credentials with HTTP Basic. */
function login({ world, settings, headers, body, nowMs }: Call): Response {
  if (!isForm(headers)) return oauthError(400, 'invalid_request', 'the body must be a form');
  // As it stands, not form-decoded as RFC 6749 (2.3.1) would have it: Genesys' own SDKs send it raw,
  // so that is the one spelling which is known to work.
  if (
    headers.get('Authorization') !== `Basic ${btoa(`${world.client.id}:${world.client.secret}`)}`
  ) {
    return oauthError(
      world.client.invalidStatus,
      'invalid_client',
      'client not found or wrong secret',
    );
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
      form: tokenFormOf(fault),
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

function messagingJwt(call: Call, externalId: string): IssuedGuestToken {
  const lifeSeconds = Math.min(call.settings.tokenLifeSeconds, MESSAGING_JWT_SECONDS);
  return issueTo(call, externalId, externalId, { lifeSeconds, form: tokenFormOf(call.fault) });
}

function issueTo(
  { world, settings, nowMs }: Call,
  externalId: string,
  visitorKey: string,
  { lifeSeconds, form }: { lifeSeconds: number; form: TokenForm },
): IssuedGuestToken {
  const visitorId = world.visitors.get(visitorKey) ?? `visitor-${randomId()}`;
  world.visitors.set(visitorKey, visitorId);
  const { clockOffsetMs } = settings;
  return world.guests.issue({ externalId, visitorId, nowMs, clockOffsetMs, lifeSeconds, form });
}

function revoke({ world }: Call, guest: IssuedGuestToken): Response {
  world.sessions.signOut(guest.externalId);
  return world.messaging.revoke(guest);
}

/** With a guest token it is that visitor's conversation; without, the one of somebody new. */
function createConversation(call: Call): Response {
  const { world, settings, fault, headers, body } = call;
  const create = (guest?: IssuedGuestToken): Response =>
    world.webChats.create(body, guest, (externalId, memberId) =>
      issueTo(call, externalId, memberId, {
        lifeSeconds: settings.tokenLifeSeconds,
        form: tokenFormOf(fault),
      }),
    );
  return headers.has('Authorization') ? asGuest(call, create) : create();
}

function writeMessage(call: Call): Response {
  const { world, ids, body, nowMs } = call;
  const [conversationId = '', memberId = ''] = ids;
  return asGuest(call, (guest) =>
    world.webChats.write({ conversationId, memberId }, guest, body, nowMs),
  );
}

function asGuest(
  { world, headers, nowMs }: Call,
  act: (guest: IssuedGuestToken) => Response,
): Response {
  const guest = world.guests.check(headers.get('Authorization'), nowMs);
  return guest instanceof Response ? guest : act(guest);
}

/** Whether a body is a form, as OAuth wants it. */
export function isForm(headers: Headers): boolean {
  return (headers.get('Content-Type') ?? '').startsWith('application/x-www-form-urlencoded');
}
