import { errorOfStatus, toGuestTokenError } from './classify.ts';
import { misconfigured } from './errors.ts';
import { retryDelayMs, shouldRetry } from './retryPolicy.ts';
import { sleep } from './sleep.ts';

/** The part of a session that a call needs. */
export interface GuestFetchSession {
  /** A token that is valid at the moment it resolves. */
  getToken(options?: { signal?: AbortSignal }): Promise<string>;
  /**
   * Tells that a server has refused `token`. False: it will not be replaced now, so hand the
   * response over. Anything else: `getToken` yields a replacement.
   */
  reject(token: string): unknown;
}

export interface GuestFetchOptions {
  /** The current session; held for the whole of one call. */
  session: () => GuestFetchSession;
  /** Origins that may see the token, besides the page's own. */
  origins?: readonly string[] | (() => readonly string[]) | undefined;
  /** Default: the global one, looked up at each call. */
  fetch?: typeof fetch | undefined;
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/**
 * A `fetch` that carries the guest token to the origins it is meant for, and to no other.
 * A 401 or 403 replaces the token and resends the request, once; a 429 is waited for; a 5xx is
 * tried again where the method is idempotent. Whatever comes after that is the caller's.
 *
 * @throws GuestTokenError `misconfigured` at construction for an origin that is none
 */
export function createGuestFetch(options: GuestFetchOptions): typeof fetch {
  const { origins = [] } = options;
  const listed = typeof origins === 'function' ? [] : normalOrigins(origins);
  const allowed = typeof origins === 'function' ? origins : () => listed;

  return async (input, init) => {
    const { fetch: send = globalThis.fetch } = options;
    const request = toRequest(input, init);
    const { origin } = new URL(request.url);
    const trusted = origin === globalThis.location?.origin || allowed().includes(origin);
    // A caller that brings an Authorization of its own knows better.
    if (!trusted || request.headers.has('Authorization')) return send(request);

    const call: Call = { request, send, session: options.session() };
    const { response, token } = await settle(call);
    if (!isRefused(response) || call.session.reject(token) === false) return response;
    const replaced = await replacement(call);
    if (replaced === undefined || replaced === token) return response;
    discard(response);
    return (await settle(call)).response;
  };
}

interface Call {
  readonly request: Request;
  readonly send: typeof fetch;
  /** The session of the visitor for whom the call began: a later visitor's token can't get in. */
  readonly session: GuestFetchSession;
}

/** Sends until there is an answer that waiting would not improve. */
async function settle(call: Call): Promise<{ response: Response; token: string }> {
  const { request, send, session } = call;
  const { signal } = request;
  for (let failureCount = 0; ; failureCount++) {
    // asked for anew after each wait: the token may have run out, or the visitor may have left
    const token = await session.getToken({ signal });
    const response = await send(withToken(request, token));
    const { status } = response;
    if (status !== 429 && !(status >= 500 && idempotent.has(request.method))) {
      return { response, token };
    }
    const error = errorOfStatus(status, 'The call', response.headers, await bodyOf429(response));
    if (!shouldRetry(failureCount, error)) return { response, token };
    discard(response);
    await sleep(retryDelayMs(failureCount, error), signal);
    signal.throwIfAborted();
  }
}

/** The token that replaces a refused one; undefined where the source has none to give. */
function replacement({ session, request }: Call): Promise<string | undefined> {
  const { signal } = request;
  return session.getToken({ signal }).catch((error: unknown) => {
    // An end that somebody wanted is passed on; a source that fails leaves the refusal as it is.
    if (signal.aborted || toGuestTokenError(error).code === 'aborted') throw error;
    return undefined;
  });
}

function isRefused(response: Response): boolean {
  return response.status === 401 || response.status === 403;
}

/** Genesys names the wait in the header; some of its gateways only in the body. */
function bodyOf429(response: Response): Promise<unknown> {
  if (response.status !== 429 || response.headers.has('Retry-After')) return Promise.resolve();
  return response
    .clone()
    .json()
    .catch(() => undefined);
}

/** Frees the connection of a response that nobody will read. */
function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}

/** Each sending gets a copy, so that a body that can be read once can be sent again. */
function withToken(request: Request, token: string): Request {
  const headers = new Headers(request.headers);
  headers.set('Authorization', `Bearer ${token}`);
  // Browsers drop the header when a redirect leads to another origin. Elsewhere that is not sure.
  const redirect = typeof document === 'undefined' ? 'error' : request.redirect;
  return new Request(request.clone(), { headers, redirect });
}

function toRequest(input: RequestInfo | URL, init: RequestInit | undefined): Request {
  if (input instanceof Request) return new Request(input, init);
  return new Request(new URL(input, globalThis.location?.href), init);
}

/**
 * Origins in the form that URLs are compared by.
 *
 * @param option its name, for the error
 *
 * @throws GuestTokenError `misconfigured`
 */
export function normalOrigins(origins: readonly string[], option = 'origins'): readonly string[] {
  return origins.map((origin) => {
    const url = URL.canParse(origin) ? new URL(origin) : undefined;
    if (!url || url.origin === 'null' || url.href !== `${url.origin}/`) {
      throw misconfigured(option, 'must hold origins only, such as https://api.mypurecloud.ie');
    }
    return url.origin;
  });
}
