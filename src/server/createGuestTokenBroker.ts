import { toGuestTokenError } from '../core/classify.ts';
import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import { GuestTokenError, isGuestTokenError, misconfigured } from '../core/errors.ts';
import type { BrokerEvent } from './events.ts';
import type { GuestTokenIssuer, IssueRequest } from './issuers/issuer.ts';
import type { BrokerLimits } from './limits/brokerLimits.ts';
import { createRequestLimits } from './limits/requestLimits.ts';
import { createUpstreamPacer } from './limits/upstreamPacer.ts';
import { createPooledIssuer } from './pool/pooledIssuer.ts';
import { memoryTokenPool, type PooledToken, type TokenPool } from './pool/tokenPool.ts';
import { type Answer, HttpProblem, problemAnswer, statusOf } from './problem.ts';
import { createRequestGuard, type TokenRequestBody } from './requestGuard.ts';
import { createCircuit } from './upstream/circuit.ts';

/** Who a request comes from, as the server knows. */
export interface AuthorizedVisitor {
  readonly externalId: string;
  /** Added to those that the browser sends, and stronger than they. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** True: the browser can't know the id, so whatever it names is ignored. Default false. */
  readonly anonymous?: boolean | undefined;
  /** A cookie to set along with the answer, whether or not there is a token in it. */
  readonly setCookie?: string | undefined;
}

/**
 * Decides who the visitor is; null: nobody that may have a token. The request's body has been read by
 * then. What it throws is answered by 503, or by the `status` that it has, and never shown.
 */
export type Authorize = (request: Request) => Promise<AuthorizedVisitor | null>;

export interface GuestTokenBrokerOptions {
  issuer: GuestTokenIssuer;
  authorize: Authorize;
  /** Origins of other sites of yours whose pages may ask. Default: the broker's own origin only. */
  allowedOrigins?: readonly string[] | undefined;
  /** Default `memoryTokenPool()`. */
  pool?: TokenPool | undefined;
  limits?: BrokerLimits | undefined;
  /** Told what happens; never a token, a secret or an external id. */
  onEvent?: ((event: BrokerEvent) => void) | undefined;
}

export interface GuestTokenBroker {
  (request: Request): Promise<Response>;
  /**
   * For your sign-out: forgets a visitor's token of one channel, by default the issuer's, and has the
   * issuer revoke it.
   *
   * @throws GuestTokenError what the issuer's `revoke` throws; the token is forgotten all the same
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
  const { issuer, authorize, allowedOrigins, limits = {}, onEvent } = options;
  if (typeof issuer?.issue !== 'function')
    throw misconfigured('issuer', 'must have a function issue');
  if (typeof authorize !== 'function') throw misconfigured('authorize', 'must be a function');
  const guard = createRequestGuard(allowedOrigins);
  const emit = createEmitter(onEvent);
  const limit = createRequestLimits(limits, emit, '');
  const tokens = createPooledIssuer({
    issuer,
    pool: options.pool ?? memoryTokenPool(),
    pacer: createUpstreamPacer(limits, emit),
    circuit: createCircuit(emit),
    emit,
  });
  const defaultChannelId = issuer.channelId ?? DEFAULT_CHANNEL_ID;

  return Object.assign(
    async function broker(request: Request): Promise<Response> {
      let setCookie: string | undefined;
      try {
        const preflight = guard.preflight(request);
        if (preflight) return guard.respond(request, preflight);
        const address = limit.addressOf(request);
        await limit.checkAddress(address);
        const body = await guard.check(request);
        const visitor = await authorized(authorize, request);
        setCookie = visitor.setCookie;
        const wanted = reconcile(visitor, body, defaultChannelId);
        await limit.checkVisitor(visitor.externalId);
        const token = await tokens.obtain(wanted, wantsFresh(request));
        return guard.respond(request, tokenAnswer(token), setCookie);
      } catch (thrown) {
        const error = asAnswer(thrown);
        const { code, contextId } = error;
        emit({ type: 'failed', code, status: statusOf(error), contextId, thrown: nameOf(thrown) });
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

function createEmitter(onEvent: GuestTokenBrokerOptions['onEvent']): (event: BrokerEvent) => void {
  if (!onEvent) return () => undefined;
  return async (event) => {
    try {
      await onEvent(event);
    } catch (error) {
      // A listener's mistake must not cost a visitor the token, nor an async one's the process.
      globalThis.reportError?.(error);
    }
  };
}

async function authorized(authorize: Authorize, request: Request): Promise<AuthorizedVisitor> {
  let visitor: AuthorizedVisitor | null;
  try {
    visitor = await authorize(request);
  } catch (thrown) {
    throw toGuestTokenError(thrown, 'The function authorize');
  }
  if (visitor === null) {
    throw new HttpProblem(
      401,
      'unauthorized',
      'Nobody is signed in.',
      'Sign in to the site again; onUnauthorized of endpointTokenSource can do it.',
    );
  }
  if (typeof visitor?.externalId !== 'string' || visitor.externalId === '') {
    throw misconfigured('authorize', 'must yield { externalId } or null');
  }
  if (visitor.setCookie !== undefined && !/^[\x20-\x7e]+$/.test(visitor.setCookie)) {
    throw misconfigured('authorize', 'yielded a setCookie that can be no header');
  }
  return visitor;
}

/** The server decides who the visitor is; a browser that says otherwise is refused. */
function reconcile(
  visitor: AuthorizedVisitor,
  body: TokenRequestBody,
  defaultChannelId: string,
): IssueRequest {
  const { externalId, attributes, anonymous = false } = visitor;
  if (!anonymous && body.externalId !== undefined && body.externalId !== externalId) {
    throw new HttpProblem(
      403,
      'identity_mismatch',
      'The request names another visitor than the one who is signed in.',
      'Give the provider the externalId that authorize yields, and null after sign-out.',
    );
  }
  return {
    externalId,
    channelId: body.channelId ?? defaultChannelId,
    attributes: { ...body.attributes, ...attributes },
  };
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
  const expiresIn = Math.max(0, Math.floor((token.expiresAtMs - Date.now()) / 100) / 10);
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

/** The cause of an error that is ours, and only its name: its message may hold anything. */
function nameOf(thrown: unknown): string | undefined {
  const error = isGuestTokenError(thrown) ? thrown.cause : thrown;
  return error instanceof Error ? error.name : undefined;
}
