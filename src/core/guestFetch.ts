import { errorOfStatus, toGuestTokenError } from './classify.ts';
import { normalOrigins } from './origins.ts';
import { retryDelayMs, shouldRetry } from './retryPolicy.ts';
import { sleep } from './waits.ts';

/** The part of a session that a call needs. */
export interface GuestFetchSession {
  /** A token that is valid at the moment it resolves. */
  getToken(options?: { signal?: AbortSignal }): Promise<string>;
  /**
   * Called whenever a server has refused `token` with 401 or 403, so also when it refuses the
   * replacement that a call was sent again with: such a response goes to the caller in any case.
   *
   * @returns true: `getToken` yields a replacement; false: none comes, so the caller gets the response
   */
  reject(token: string): boolean;
}

export interface GuestFetchOptions {
  /** The current session; held for the whole of one call. */
  session: () => GuestFetchSession;
  /** Origins that may see the token, besides the page's own; looked up at each call. */
  readonly origins?: readonly string[] | undefined;
  /** Default: the global one, looked up at each call. */
  fetch?: typeof fetch | undefined;
}

/** RFC 9110, 9.2.2; TRACE can't be fetched. */
const idempotent = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/;

/**
 * A `fetch` that carries the guest token to the origins it is meant for, and to no other.
 * A 401 or 403 replaces the token and resends the request, once; a 429 is waited for; a 5xx is
 * tried again where the method is idempotent. Whatever comes after that is the caller's.
 *
 * @throws GuestTokenError `misconfigured` at construction for an origin that is none
 */
export function createGuestFetch(options: GuestFetchOptions): typeof fetch {
  const allowed = (): readonly string[] => normalOrigins(options.origins ?? []);
  allowed(); // what is wrong throws here, and not at the first call

  return async (input, init) => {
    const { fetch: send = globalThis.fetch } = options;
    const { location } = globalThis;
    const target = input instanceof Request ? input : new URL(input, location?.href);
    const request = new Request(target, init);
    const { origin } = new URL(request.url);
    // "null" is the origin of all that have none
    const isOwn = origin === location?.origin && origin !== 'null';
    const trusted = isOwn || allowed().includes(origin);
    // A caller that brings an Authorization of its own knows better.
    return trusted && !request.headers.has('Authorization')
      ? call(request, send, options.session())
      : send(request);
  };
}

/** @param session of the visitor for whom the call began: a later visitor's token can't get in */
async function call(
  request: Request,
  send: typeof fetch,
  session: GuestFetchSession,
): Promise<Response> {
  const { signal, method } = request;
  let token = await session.getToken({ signal });
  let wasReplaced = false;
  for (let failures = 0; ; ) {
    const response = await send(withToken(request, token));
    const { status, headers } = response;
    const refused = status === 401 || status === 403;
    if (refused) {
      if (!session.reject(token) || wasReplaced) return response;
      const replacement = await session.getToken({ signal }).catch((error: unknown) => {
        // An end that somebody wanted is passed on; a source that fails leaves the refusal as it is.
        if (signal.aborted || toGuestTokenError(error).code === 'aborted') throw error;
      });
      if (!replacement || replacement === token) return response;
      discard(response);
      token = replacement;
      wasReplaced = true;
    } else {
      if (status !== 429 && !(status >= 500 && idempotent.test(method))) return response;
      // Genesys names the wait in the header; some of its gateways only in the body.
      const body =
        !headers.has('Retry-After') &&
        status === 429 &&
        (await response.clone().json().catch(nothing));
      const error = errorOfStatus(status, 'The call', headers, body);
      if (!shouldRetry(failures, error)) return response;
      discard(response);
      await sleep(retryDelayMs(failures++, error), signal);
      // asked for anew: the token may have run out, or the visitor may have left
      token = await session.getToken({ signal });
    }
  }
}

/** Frees the connection of a response that nobody will read. */
function discard(response: Response): void {
  response.body?.cancel().catch(nothing);
}

function nothing(): void {}

/** Each sending gets a copy, so that a body that can be read once can be sent again. */
function withToken(request: Request, token: string): Request {
  // Browsers drop the header when a redirect leads to another origin. Elsewhere that is not sure.
  const followsBlindly = request.redirect === 'follow' && typeof document === 'undefined';
  const clone = request.clone();
  const copy = followsBlindly ? new Request(clone, { redirect: 'error' }) : clone;
  copy.headers.set('Authorization', `Bearer ${token}`);
  return copy;
}
