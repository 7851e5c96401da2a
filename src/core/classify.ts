import {
  CHECK_URL,
  GuestTokenError,
  type GuestTokenErrorCode,
  isGuestTokenError,
  isGuestTokenErrorCode,
} from './errors.ts';
import { asRecord, isText } from './json.ts';
import { readRetryAfterMs } from './retryAfter.ts';

/** What an HTTP status means for a token; the others count by their hundred. */
const codes: Readonly<Record<number, GuestTokenErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  408: 'timed_out',
  429: 'rate_limited',
};

/**
 * What engines say when `fetch`, or reading a body, fails for want of a connection: Chromium, Node,
 * Firefox, WebKit, React Native, Deno, Bun, Cloudflare. Any other TypeError is a bug somewhere.
 */
const networkFailure =
  /^(failed to fetch|(fetch|load) failed|terminated|error (sending request|in body)|( a |the )?(internet|network) ?(error|request|connection))/i;

/**
 * The error of a reply that is not 2xx. Of its body only what is safe is used: one of our own
 * codes, Genesys' context id, a reason, and the seconds to wait.
 *
 * @param what names the other side, without anything secret
 */
export function errorOfStatus(
  status: number,
  what: string,
  headers?: Headers,
  body?: unknown,
): GuestTokenError {
  const { code: named, contextId, reason: given } = asRecord(body);
  const code = isGuestTokenErrorCode(named)
    ? named
    : (codes[status] ?? (status < 500 ? 'rejected' : 'unavailable'));
  const reason = match(given, /^[a-z_]{1,40}$/);
  return new GuestTokenError(code, `${what} answered ${status}.`, {
    status,
    hint: hintOf(status, reason),
    retryAtMs: Date.now() + readRetryAfterMs(headers, body),
    contextId: match(contextId, /^[\w-]{1,64}$/),
    reason,
  });
}

/** What to do where the hint of the code would mislead. */
function hintOf(status: number, reason: string | undefined): string | undefined {
  if (reason === 'foreign_origin') return 'Check allowedOrigins.';
  if (status < 400) return 'Call the URL that it redirects to, or set redirect: "manual".';
  return status === 404 ? CHECK_URL : undefined;
}

function match(text: unknown, pattern: RegExp): string | undefined {
  return isText(text) ? pattern.exec(text)?.[0] : undefined;
}

/**
 * Turns whatever a source threw into an error of ours: a `GuestTokenError` passes as it is, an HTTP
 * status counts, a network failure is `unreachable`, an abort `aborted`, the rest `unavailable`.
 */
export function toGuestTokenError(thrown: unknown, what = 'The source'): GuestTokenError {
  if (isGuestTokenError(thrown)) return thrown;
  const { status, name, message, headers }: Partial<Record<string, unknown>> = Object(thrown);
  // Not kept as cause: errors that carry a status tend to carry the reply and its headers too.
  if (typeof status === 'number') {
    return errorOfStatus(status, what, headers instanceof Headers ? headers : undefined);
  }
  const isUnreachable = name === 'TypeError' && isText(message) && networkFailure.test(message);
  const code = name === 'AbortError' ? 'aborted' : isUnreachable ? 'unreachable' : 'unavailable';
  return new GuestTokenError(code, `${what} failed.`, { cause: thrown });
}
