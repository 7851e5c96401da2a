import { toGuestTokenError } from '../core/classify.ts';
import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import { GuestTokenError, isGuestTokenError, misconfigured } from '../core/errors.ts';
import { type Authorize, authorizeVisitor, reconcile } from './authorize.ts';
import { createChannelChoice } from './channels.ts';
import { type BrokerEvent, createEmitter } from './events.ts';
import { createIdentityHash } from './identityHash.ts';
import type { GuestTokenIssuer } from './issuers/issuer.ts';
import type { BrokerLimits } from './limits/brokerLimits.ts';
import { createRequestLimits } from './limits/requestLimits.ts';
import { createUpstreamPacer } from './limits/upstreamPacer.ts';
import { memoryTokenPool } from './pool/memoryTokenPool.ts';
import { createPooledIssuer } from './pool/pooledIssuer.ts';
import type { PooledToken, TokenPool } from './pool/tokenPool.ts';
import { type Answer, nameOfError, problemAnswer, reasonOf, statusOf } from './problem.ts';
import { createRequestGuard } from './requestGuard.ts';
import { nowMs } from './serverClock.ts';
import { createCircuit } from './upstream/circuit.ts';

export interface GuestTokenBrokerOptions {
  issuer: GuestTokenIssuer;
  authorize: Authorize;
  /** Origins of other sites of yours whose pages may ask. Default: the broker's own origin only. */
  allowedOrigins?: readonly string[] | undefined;
  /** Default `memoryTokenPool()`. */
  pool?: TokenPool | undefined;
  /**
   * The channels that a browser may name. List them, or else a visitor gets a new token for each
   * channel id that they invent. Default: any.
   */
  allowedChannels?: readonly string[] | undefined;
  limits?: BrokerLimits | undefined;
  /** Told what happens; never a token, a secret or an external id. */
  onEvent?: ((event: BrokerEvent) => void) | undefined;
  /**
   * Keys the hash by which events name a visitor: 32 characters or more. Machines with the same key
   * name them alike. Default: a random key for each process.
   */
  identityKey?: string | undefined;
}

export interface GuestTokenBroker {
  (request: Request): Promise<Response>;
  /**
   * For your sign-out: forgets a visitor's token of one channel, by default the issuer's, and has the
   * issuer revoke it.
   *
   * Waits for a token that is on its way, on any machine, so that it is forgotten too.
   *
   * @throws GuestTokenError `unavailable` where the pool does not answer, after all else was done: call
   *   it again later. Else what the issuer's `revoke` throws; the token is forgotten all the same
   */
  signOut(visitor: SignedOutVisitor): Promise<void>;
}

interface SignedOutVisitor {
  readonly externalId: string;
  readonly channelId?: string | undefined;
}

/**
 * The one place that holds the client secret: answers a browser's request for a guest token.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function createGuestTokenBroker(options: GuestTokenBrokerOptions): GuestTokenBroker {
  const { issuer, authorize, allowedOrigins, onEvent, pool = memoryTokenPool() } = options;
  if (typeof issuer?.issue !== 'function')
    throw misconfigured('issuer', 'must have a function issue');
  if (typeof authorize !== 'function') throw misconfigured('authorize', 'must be a function');
  const guard = createRequestGuard(allowedOrigins);
  const defaultChannelId = issuer.channelId ?? DEFAULT_CHANNEL_ID;
  const chooseChannel = createChannelChoice(options.allowedChannels, defaultChannelId);
  const emit = createEmitter(onEvent);
  const identityHash = createIdentityHash(options.identityKey);
  const identityOf = onEvent && identityHash;
  // One prefix for all that one broker keeps in Redis.
  const limits = { ...options.limits, prefix: options.limits?.prefix ?? pool.prefix };
  const limit = createRequestLimits(limits, emit, issuer.scope ?? '');
  const tokens = createPooledIssuer({
    issuer,
    pool,
    pacer: createUpstreamPacer(limits, emit, issuer.scope ?? ''),
    circuit: createCircuit(emit),
    emit,
    identityOf,
  });

  return Object.assign(
    async function broker(request: Request): Promise<Response> {
      let setCookie: string | undefined;
      try {
        const preflight = guard.preflight(request);
        if (preflight) return guard.respond(request, preflight);
        const address = limit.addressOf(request);
        await limit.checkAddress(address);
        const body = await guard.check(request);
        const channelId = chooseChannel(body.channelId);
        const visitor = await authorizeVisitor(authorize, request);
        // Before the cookie, which would make the next request one of a known visitor.
        if (visitor.isNew) await limit.checkNewVisitor(address);
        setCookie = visitor.setCookie;
        const wanted = reconcile(visitor, body, channelId);
        await limit.checkVisitor(visitor.externalId);
        const who = address ?? visitor.externalId;
        const token = await tokens.obtain({
          request: wanted,
          decided: visitor.attributes,
          fresh: wantsFresh(request),
          who,
        });
        return guard.respond(request, tokenAnswer(token), setCookie);
      } catch (thrown) {
        const error = asAnswer(thrown);
        emit(failedEvent(request, error, thrown));
        return guard.respond(request, problemAnswer(error), setCookie);
      }
    },
    {
      async signOut({ externalId, channelId = defaultChannelId }: SignedOutVisitor) {
        await tokens.signOut({ externalId, channelId });
      },
    },
  );
}

function wantsFresh(request: Request): boolean {
  return /\bno-cache\b/i.test(request.headers.get('Cache-Control') ?? '');
}

/** Made once for each token that is in a pool of this process. */
const shownTexts = new WeakMap<PooledToken, string>();

/** The reply's JSON without what stays on the server, and without its last brace. */
function shownText(token: PooledToken): string {
  const known = shownTexts.get(token);
  if (known !== undefined) return known;
  const { refresh_token: _1, refresh_expires_in: _2, expires_in: _3, ...shown } = token.reply;
  const text = JSON.stringify(shown).slice(0, -1);
  shownTexts.set(token, text);
  return text;
}

/** `expires_in` counts from now. */
function tokenAnswer(token: PooledToken): Answer {
  // to a tenth, for the sake of tokens that live for seconds
  const expiresIn = Math.max(0, Math.floor((token.expiresAtMs - nowMs()) / 100) / 10);
  return {
    status: 200,
    body: `${shownText(token)},"expires_in":${expiresIn}}`,
    headers: { 'Content-Type': 'application/json' },
  };
}

function asAnswer(thrown: unknown): GuestTokenError {
  const error = toGuestTokenError(thrown, 'The broker');
  // Our client takes `aborted` for its own doing; here somebody else's call was given up.
  return error.code === 'aborted'
    ? new GuestTokenError('unavailable', 'A call of the broker was given up.')
    : error;
}

function failedEvent(request: Request, error: GuestTokenError, thrown: unknown): BrokerEvent {
  const { code, contextId } = error;
  const reason = reasonOf(error);
  return {
    type: 'failed',
    code,
    status: statusOf(error),
    reason,
    origin: reason === 'foreign_origin' ? originOf(request) : undefined,
    contextId,
    thrown: nameOf(thrown),
  };
}

/** As the browser names it, where it is a URL at all: anything else is noise in a log. */
function originOf({ headers }: Request): string | undefined {
  const origin = headers.get('Origin') ?? '';
  return URL.canParse(origin) ? new URL(origin).origin : undefined;
}

/** The cause of an error that is ours, and only its name: its message may hold anything. */
function nameOf(thrown: unknown): string | undefined {
  return nameOfError(isGuestTokenError(thrown) ? thrown.cause : thrown);
}
