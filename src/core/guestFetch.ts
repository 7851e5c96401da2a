import { errorOfStatus, toGuestTokenError } from './classify.ts';
import { warnOfOrigin } from './devWarnings.ts';
import { normalOrigins } from './origins.ts';
import { readShortJson } from './retryAfter.ts';
import { retryDelayMs, shouldRetry } from './retryPolicy.ts';
import { sleep } from './waits.ts';

/** The part of a session that a call needs. */
export interface GuestFetchSession {
  /** A token that is valid at the moment it resolves. */
  getToken(options?: { signal?: AbortSignal | undefined }): Promise<string>;
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

/** What `fetch` was called with, in a form that can be sent again; an object of options where possible. */
type Resendable = Request | (RequestInit & { readonly url: string; readonly headers: Headers });

/** RFC 9110, 9.2.2; TRACE can't be fetched. */
const idempotent = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/i;

/**
 * A `fetch` that carries the guest token to the page's own origin and to `origins`, and to no other.
 * A 401 or 403 replaces the token and sends the request again, once. A 429 is waited for. A 5xx is
 * tried again if the method is idempotent. The caller gets any other response.
 *
 * `mode: "no-cors"` can't carry a token, so such calls are sent as they are. Outside browsers, a call
 * with a token follows no redirect and throws `rejected`: set `redirect: "manual"` to get it.
 *
 * @throws GuestTokenError `misconfigured` at construction for an invalid origin
 */
export function createGuestFetch(options: GuestFetchOptions): typeof fetch {
  let known: string | undefined;
  let trusted: readonly string[] = [];
  const update = (): void => {
    const origins = options.origins ?? [];
    const now = String(origins);
    if (now !== known) trusted = normalOrigins(origins);
    known = now;
  };
  update(); // an invalid origin throws here, not at the first call

  return async (input, init) => {
    update();
    const { fetch: send = globalThis.fetch } = options;
    const request = resendable(input, init);
    const { origin } = new URL(request.url);
    const takesToken =
      // "null" is the origin of everything that has none
      ((origin === globalThis.origin && origin !== 'null') || trusted.includes(origin)) &&
      request.mode !== 'no-cors' &&
      // A caller that brings an Authorization of its own knows better.
      !request.headers.has('Authorization');
    if (takesToken) return call(request, send, options.session());
    const response = await sendOnce(request, send);
    warnOfOrigin(origin, request.headers, response);
    return response;
  };
}

/** @param session of the visitor for whom the call began: a later visitor's token can't get in */
async function call(
  request: Resendable,
  send: typeof fetch,
  session: GuestFetchSession,
): Promise<Response> {
  const { method = 'GET', redirect = 'follow' } = request;
  const signal = request.signal ?? undefined;
  // Browsers drop the token when a redirect leads to another origin; other runtimes may not. They
  // don't all know "error", so the response is looked at.
  const isBrowser = globalThis.document || 'importScripts' in globalThis;
  const refuses = redirect === 'follow' && !isBrowser;
  let token = await session.getToken({ signal });
  let wasReplaced = false;
  for (let failures = 0; ; ) {
    const headers = new Headers(request.headers);
    headers.set('Authorization', `Bearer ${token}`);
    const sending = { headers, redirect: refuses ? 'manual' : redirect } as const;
    const response = await sendOnce(request, send, sending);
    const { status } = response;
    if (refuses && /^30[12378]/.test(`${status}`)) {
      discard(response);
      throw errorOfStatus(status, 'The call');
    }
    if (status === 401 || status === 403) {
      if (!session.reject(token) || wasReplaced) return response;
      const replacement = await session.getToken({ signal }).catch((error: unknown) => {
        // The caller learns of an abort; a source that fails leaves the refusal as it is.
        if (signal?.aborted || toGuestTokenError(error).code === 'aborted') throw error;
      });
      if (!replacement || replacement === token) return response;
      discard(response);
      token = replacement;
      wasReplaced = true;
    } else {
      if (status !== 429 && !(status >= 500 && idempotent.test(method))) return response;
      // Genesys names the wait in the header; some of its gateways only in the body.
      const inBody = status === 429 && !response.headers.has('Retry-After');
      const body = inBody && (await readShortJson(response));
      const error = errorOfStatus(status, 'The call', response.headers, body);
      if (!shouldRetry(failures, error)) return response;
      discard(response);
      await sleep(retryDelayMs(failures++, error), signal);
      // again, since the token may have expired and the visitor may have left
      token = await session.getToken({ signal });
    }
  }
}

/**
 * Resolves the URL, and protects the call from later changes of what it was called with. To clone a
 * `Request` with a body takes longer than all the rest, so there is one only if there must be.
 *
 * @throws TypeError where `fetch` does
 */
function resendable(input: RequestInfo | URL, init?: RequestInit): Resendable {
  // Told by its shape: a Request of another frame is no instance of this one's class.
  if (typeof input === 'object' && 'url' in input) return new Request(input, init);
  const { document, location } = globalThis;
  const { href: url } = new URL(input, document?.baseURI ?? location?.href);
  const body = init?.body ?? null;
  const isParams = body instanceof URLSearchParams;
  const isText = isParams || typeof (body ?? '') === 'string';
  // fetch(url, request) is allowed, and the properties of a Request can't be spread
  if (!isText || (init && 'clone' in init)) return new Request(url, init);
  const headers = new Headers(init?.headers);
  return { ...init, url, headers, body: isParams ? new URLSearchParams(body) : body };
}

function sendOnce(
  request: Resendable,
  send: typeof fetch,
  changes?: RequestInit,
): Promise<Response> {
  if (!('clone' in request)) return send(request.url, { ...request, ...changes });
  const { referrer, referrerPolicy } = request; // which any change would reset
  return changes ? send(request.clone(), { referrer, referrerPolicy, ...changes }) : send(request);
}

/** Frees the connection of a response that nobody will read. */
function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}
