import { toGuestTokenError } from '../core/classify.ts';
import { misconfigured } from '../core/errors.ts';
import type { BrokerEvent } from './brokerEvents.ts';
import { createCircuit } from './circuit.ts';
import type { GuestTokenIssuer, IssueRequest } from './issuer.ts';
import { type BrokerLimits, createRequestLimits, createUpstreamPacer } from './limits.ts';
import { createPooledIssuer } from './pooledIssuer.ts';
import { problemResponse, Refusal, statusOf } from './problem.ts';
import { createRequestGuard, type TokenRequestBody } from './requestGuard.ts';
import { memoryTokenPool, type PooledToken, type TokenPool } from './tokenPool.ts';

/** Who a request comes from, as the server knows. */
export interface AuthorizedVisitor {
  readonly externalId: string;
  /** Added to those that the browser sends, and stronger than they. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** True: the browser can't know the id, so whatever it names is ignored. Default false. */
  readonly anonymous?: boolean | undefined;
  /** A cookie to set along with the answer. */
  readonly setCookie?: string | undefined;
}

/** Decides who the visitor is; null: nobody that may have a token. */
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
  /** For your sign-out: forgets a visitor's token and has the issuer revoke it. */
  signOut(visitor: { externalId: string; channelId?: string | undefined }): Promise<void>;
}

/**
 * The one place that holds the client secret: answers a browser's request for a guest token.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function createGuestTokenBroker(options: GuestTokenBrokerOptions): GuestTokenBroker {
  const { issuer, authorize, allowedOrigins, limits, onEvent } = options;
  if (typeof issuer?.issue !== 'function')
    throw misconfigured('issuer', 'must have a function issue');
  if (typeof authorize !== 'function') throw misconfigured('authorize', 'must be a function');
  const guard = createRequestGuard(allowedOrigins);
  const limit = createRequestLimits(limits);
  const emit = (event: BrokerEvent): void => {
    try {
      onEvent?.(event);
    } catch (error) {
      // A listener's mistake must not cost a visitor the token.
      globalThis.reportError?.(error);
    }
  };
  const tokens = createPooledIssuer({
    issuer,
    pool: options.pool ?? memoryTokenPool(),
    pacer: createUpstreamPacer(limits),
    circuit: createCircuit(emit),
    emit,
  });

  async function answer(request: Request): Promise<Response> {
    const preflight = guard.preflight(request);
    if (preflight) return preflight;
    const body = await guard.check(request);
    const visitor = await authorized(authorize, request);
    const wanted = reconcile(visitor, body);
    await limit.check(request, visitor.externalId);
    const fresh = /\bno-cache\b/i.test(request.headers.get('Cache-Control') ?? '');
    return respond(await tokens.obtain(wanted, fresh), visitor);
  }

  async function broker(request: Request): Promise<Response> {
    try {
      return guard.finish(request, await answer(request));
    } catch (thrown) {
      const error = toGuestTokenError(thrown, 'The broker');
      const { code, contextId } = error;
      emit({ type: 'failed', code, status: statusOf(error), contextId });
      return guard.finish(request, problemResponse(error));
    }
  }

  return Object.assign(broker, {
    signOut: ({ externalId, channelId }: { externalId: string; channelId?: string | undefined }) =>
      tokens.signOut({ externalId, channelId }),
  });
}

async function authorized(authorize: Authorize, request: Request): Promise<AuthorizedVisitor> {
  const visitor = await authorize(request);
  if (visitor === null) {
    throw new Refusal(
      401,
      'unauthorized',
      'Nobody is signed in.',
      'Sign in to the site again; onUnauthorized of endpointTokenSource can do it.',
    );
  }
  if (typeof visitor?.externalId !== 'string' || visitor.externalId === '') {
    throw misconfigured('authorize', 'must yield { externalId } or null');
  }
  return visitor;
}

/** The server decides who the visitor is; a browser that says otherwise is refused. */
function reconcile(visitor: AuthorizedVisitor, body: TokenRequestBody): IssueRequest {
  const { externalId, attributes, anonymous = false } = visitor;
  if (!anonymous && body.externalId !== undefined && body.externalId !== externalId) {
    throw new Refusal(
      403,
      'identity_mismatch',
      'The request names another visitor than the one who is signed in.',
      'Give the provider the externalId that authorize yields, and null after sign-out.',
    );
  }
  return {
    externalId,
    channelId: body.channelId,
    attributes: { ...body.attributes, ...attributes },
  };
}

/** Made once for each token that is in a pool of this process. */
const shownTexts = new WeakMap<PooledToken, string>();

/** The reply's JSON without what stays on the server, and without its last brace. */
function shownText(token: PooledToken): string {
  const known = shownTexts.get(token);
  if (known !== undefined) return known;
  const {
    refresh_token: _kept,
    refresh_expires_in: _keptToo,
    expires_in: _old,
    ...shown
  } = token.reply;
  const text = JSON.stringify(shown).slice(0, -1);
  shownTexts.set(token, text);
  return text;
}

/** `expires_in` counts from now. */
function respond(token: PooledToken, { setCookie }: AuthorizedVisitor): Response {
  // to a tenth, for the sake of tokens that live for seconds
  const expiresIn = Math.max(0, Math.floor((token.expiresAtMs - Date.now()) / 100) / 10);
  const response = new Response(`${shownText(token)},"expires_in":${expiresIn}}`, {
    headers: { 'Content-Type': 'application/json' },
  });
  if (setCookie !== undefined) response.headers.set('Set-Cookie', setCookie);
  return response;
}
