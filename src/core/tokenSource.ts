import { errorOfStatus } from './classify.ts';
import { GuestTokenError, misconfigured } from './errors.ts';
import { asReply, type GuestTokenReply, readClaims } from './guestToken.ts';
import { assertDuration } from './retryPolicy.ts';

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
  /** Aborts when nobody waits any more, or when the attempt has run out of time. */
  readonly signal: AbortSignal;
  /** True for the one request that follows a 401 or 403. */
  readonly refused?: boolean;
}

/**
 * Where tokens come from. May throw anything: a `GuestTokenError` passes as it is, a `Response` or an
 * error with a numeric `status` counts by its status, a `TypeError` is `unreachable`, anything else
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
  /** Headers for each request, or a function that makes them anew. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>) | undefined;
  /** Default `"same-origin"`; `"include"` for an endpoint on another origin that reads cookies. */
  credentials?: RequestCredentials | undefined;
  /** Default: the global one, looked up at each call. */
  fetch?: typeof fetch | undefined;
  /** Ms that one request may take; more than 10,000 has no effect, since that is imposed on every
   * source. Default 10,000. */
  timeoutMs?: number | undefined;
  /** Renews your app's own session after a 401 or 403, before the one request that follows. */
  onUnauthorized?: (() => unknown) | undefined;
}

/** Ms an attempt may take before it counts as `timed_out`. */
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
  if (key === '') throw misconfigured('source', 'must be a URL or a function');
  const timeoutMs = options.timeoutMs ?? ATTEMPT_TIMEOUT_MS;
  assertDuration('timeoutMs', timeoutMs);
  const name = `The source ${withoutSecrets(key)}`;

  async function request(
    { fresh, ...body }: GuestTokenRequest,
    { signal, refused }: GuestTokenSourceContext,
  ): Promise<GuestTokenReply> {
    const { headers: given, fetch: send = globalThis.fetch, onUnauthorized } = options;
    const headers = new Headers(typeof given === 'function' ? await given() : given);
    headers.set('Content-Type', 'application/json');
    headers.set('Accept', 'application/json');
    // for the broker's pool; the browser's cache is out of the question for a POST
    if (fresh) headers.set('Cache-Control', 'no-cache');
    const response = await send(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      credentials: options.credentials ?? 'same-origin',
      cache: 'no-store',
      signal,
    });
    const reply = await readJson(response);
    if (!response.ok) {
      if (!refused && (response.status === 401 || response.status === 403))
        await onUnauthorized?.();
      throw errorOfStatus(response.status, name, response.headers, reply);
    }
    return withExpiresIn(asReply(reply, name), response.headers);
  }

  const source: GuestTokenSource = (what, context) =>
    withTimeout(timeoutMs, context.signal, name, (signal) => request(what, { ...context, signal }));
  return Object.assign(source, { key });
}

/**
 * Runs `work` for `timeoutMs` at most, whether or not it heeds its signal.
 *
 * @throws GuestTokenError `timed_out`, or `aborted` when `signal` aborts first
 */
export function withTimeout<Result>(
  timeoutMs: number,
  signal: AbortSignal,
  name: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const attempt = new AbortController();
    const end = (error: GuestTokenError): void => {
      reject(error);
      attempt.abort(error);
    };
    const onAbort = (): void =>
      end(new GuestTokenError('aborted', `${name} was asked no further.`));
    if (signal.aborted) return onAbort();
    const timer = setTimeout(
      () => end(new GuestTokenError('timed_out', `${name} did not answer in ${timeoutMs} ms.`)),
      timeoutMs,
    );
    signal.addEventListener('abort', onAbort);
    // in a then, so that a source that throws before its first await is caught as well
    Promise.resolve()
      .then(() => work(attempt.signal))
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      });
  });
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not kept: a page of HTML says nothing that may be shown
  }
}

/**
 * Adds `expires_in` by the server's own clock where the reply has none: the JWT's `exp` and the
 * `Date` header come from clocks that agree, the visitor's clock is anybody's guess.
 */
function withExpiresIn(reply: GuestTokenReply, headers: Headers): GuestTokenReply {
  const { expiresInMs, expiresAtMs } = readClaims(reply.token, { ...reply });
  const answeredAtMs = Date.parse(headers.get('Date') ?? '');
  if (expiresInMs !== undefined || expiresAtMs === undefined || Number.isNaN(answeredAtMs)) {
    return reply;
  }
  return { ...reply, expires_in: (expiresAtMs - answeredAtMs) / 1000 };
}

/** A URL as it may stand in a message: its query may hold anything. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//');
}
