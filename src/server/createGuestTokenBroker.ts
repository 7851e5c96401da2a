import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import { misconfigured } from '../core/errors.ts';
import { type Authorize, authorizeVisitor, reconcile } from './authorize.ts';
import { createChannelChoice } from './channels.ts';
import { type BrokerEvent, createEmitter } from './events.ts';
import { failedEvent, toAnswerable } from './failure.ts';
import { createIdentityHash } from './identityHash.ts';
import type { GuestTokenIssuer } from './issuers/issuer.ts';
import type { BrokerLimits } from './limits/brokerLimits.ts';
import { createRequestLimits } from './limits/requestLimits.ts';
import { createUpstreamPacer } from './limits/upstreamPacer.ts';
import { memoryTokenPool } from './pool/memoryTokenPool.ts';
import { createPooledIssuer } from './pool/pooledIssuer.ts';
import type { TokenPool } from './pool/tokenPool.ts';
import { problemAnswer } from './problem.ts';
import { createRequestGuard } from './requestGuard.ts';
import { tokenAnswer } from './tokenAnswer.ts';
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
  /**
   * For a readiness check of yours: has the issuer log in where it has not yet, and issues no token.
   * Resolves too where the issuer has no `ready`.
   *
   * @throws what would keep every visitor from a token, such as a GuestTokenError `unauthorized`
   */
  ready(): Promise<void>;
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
  assertFunctions(options);
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
        const token = await tokens.obtain({
          request: wanted,
          decided: visitor.attributes,
          fresh: wantsFresh(request),
          who: address ?? visitor.externalId,
        });
        return guard.respond(request, tokenAnswer(token), setCookie);
      } catch (thrown) {
        const error = toAnswerable(thrown);
        emit(failedEvent(request, error, thrown));
        return guard.respond(request, problemAnswer(error), setCookie);
      }
    },
    {
      async signOut({ externalId, channelId = defaultChannelId }: SignedOutVisitor) {
        await tokens.signOut({ externalId, channelId });
      },
      ready: tokens.ready,
    },
  );
}

function assertFunctions({ issuer, authorize }: GuestTokenBrokerOptions): void {
  if (typeof issuer?.issue !== 'function') {
    throw misconfigured('issuer', 'must have a function issue');
  }
  if (typeof authorize !== 'function') throw misconfigured('authorize', 'must be a function');
}

function wantsFresh(request: Request): boolean {
  return /\bno-cache\b/i.test(request.headers.get('Cache-Control') ?? '');
}
