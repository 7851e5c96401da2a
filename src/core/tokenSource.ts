import { errorOfStatus } from './classify.ts';
import { assertOption, CHECK_URL, GuestTokenError } from './errors.ts';
import { asReply, type GuestTokenReply, readClaims } from './guestToken.ts';
import { isText } from './json.ts';
import { assertDuration, isRefusal } from './retryPolicy.ts';
import { withTimeout } from './waits.ts';

export interface GuestTokenRequest {
  /** Who the token is for. */
  readonly externalId: string;
  readonly channelId: string;
  /** Sent along at acquisition; not part of the identity. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** True: a replacement is wanted, not a token that was handed out before. */
  readonly fresh: boolean;
}

export interface GuestTokenSourceContext {
  /** Aborts when nobody waits any more, or when the attempt times out. */
  readonly signal: AbortSignal;
  /** True for the one request that follows a 401 or 403. */
  readonly refused?: boolean;
}

/**
 * Where tokens come from. May throw anything: a `GuestTokenError` passes as it is, a `Response` or an
 * error with a numeric `status` counts by its status, a failed `fetch` is `unreachable`, anything else
 * `unavailable`.
 */
export type GuestTokenSource = ((
  request: GuestTokenRequest,
  context: GuestTokenSourceContext,
) => Promise<GuestTokenReply>) & {
  /** Names the source in the query key; without one it is `"custom"`. */
  readonly key?: string;
};

export interface EndpointTokenSourceOptions {
  /** Headers of each request, or a function that is called for each. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined;
  /** Default `"same-origin"`; `"include"` for an endpoint on another origin that reads cookies. */
  credentials?: RequestCredentials | undefined;
  /** Default: the global one, looked up at each call. */
  fetch?: typeof fetch | undefined;
  /** Ms that one request may take. Default 10,000, which is also the limit of every source. */
  timeoutMs?: number | undefined;
  /** Renews your app's own session after a 401 or 403, before the one request that follows. */
  onUnauthorized?: (() => unknown) | undefined;
}

/** Ms that an attempt may take; then it has `timed_out`. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/**
 * A source that posts `{ channelId, externalId, attributes }` to `url` and reads Genesys' reply.
 *
 * @throws GuestTokenError `misconfigured` at construction
 */
export function endpointTokenSource(
  url: string | URL,
  options: EndpointTokenSourceOptions = {},
): GuestTokenSource {
  const key = String(url);
  const { timeoutMs = ATTEMPT_TIMEOUT_MS, credentials } = options;
  assertOption('source', isText(url) || url instanceof URL, 'must be a URL or a function');
  assertDuration('timeoutMs', timeoutMs);
  // without password and query, which may hold anything
  const name = `The source ${key.replace(/(?<=\/\/)[^/]*@|[?#].*/gs, '')}`;

  const source: GuestTokenSource = ({ fresh, ...body }, { signal: given, refused }) =>
    withTimeout(timeoutMs, given, name, async (signal) => {
      const { headers: more, fetch: send = globalThis.fetch } = options;
      assertOption('fetch', !!send, 'is required on this platform');
      const headers = new Headers(typeof more === 'function' ? await more() : more);
      headers.set('Content-Type', 'application/json');
      // for the broker's pool; browsers don't cache a POST
      if (fresh) headers.set('Cache-Control', 'no-cache');
      const response = await send(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        ...(credentials && { credentials }),
        signal,
      }).catch((error: Error) => {
        // of the platform's own fetch, whatever it says; one of yours may have a bug
        if (options.fetch || error.name !== 'TypeError') throw error;
        throw new GuestTokenError('unreachable', `${name} failed.`, { cause: error });
      });
      // Anything but JSON is dropped: a page of HTML says nothing that may be shown.
      const reply = await response.json().catch((error: Error) => {
        if (error.name !== 'SyntaxError') throw error;
      });
      const { ok, status, headers: got } = response;
      if (ok) {
        const isHtml = /html/.test(`${got.get('Content-Type')}`);
        return withExpiresIn(asReply(reply, name, isHtml ? CHECK_URL : undefined), got);
      }
      const error = errorOfStatus(status, name, got, reply);
      if (isRefusal(error) && !refused) {
        try {
          await options.onUnauthorized?.();
        } catch {} // the next request is refused, too
      }
      throw error;
    });
  return Object.assign(source, { key });
}

/**
 * Adds `expires_in` if the reply has none, by the server's clock: the JWT's `exp` and the `Date` header
 * come from clocks that agree, while the visitor's may be wrong.
 */
function withExpiresIn(reply: GuestTokenReply, headers: Headers): GuestTokenReply {
  const { expiresInMs, expiresAtMs = Number.NaN } = readClaims(reply.token, { ...reply });
  const leftMs = expiresInMs ?? expiresAtMs - Date.parse(headers.get('Date') ?? '');
  return Number.isNaN(leftMs) ? reply : { ...reply, expires_in: leftMs / 1000 };
}
