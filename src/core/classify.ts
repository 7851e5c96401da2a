import {
  GuestTokenError,
  type GuestTokenErrorCode,
  isGuestTokenError,
  isGuestTokenErrorCode,
} from './errors.ts';
import { asRecord, isText } from './json.ts';
import { readRetryAfterMs } from './retryAfter.ts';

/** What an HTTP status means for a token (contract A4, A5); others by their hundred. */
const codes: Readonly<Record<number, GuestTokenErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  408: 'timed_out',
  429: 'rate_limited',
};

/**
 * The error of a reply that is not 2xx. Of its body only what is safe is used: one of our own
 * codes, Genesys' context id, and the seconds to wait.
 *
 * @param what names the other side, without anything secret
 */
export function errorOfStatus(
  status: number,
  what: string,
  headers?: Headers,
  body?: unknown,
): GuestTokenError {
  const { code: named, contextId } = asRecord(body);
  const code = isGuestTokenErrorCode(named)
    ? named
    : (codes[status] ?? (status < 500 ? 'rejected' : 'unavailable'));
  const retryAfterMs = readRetryAfterMs(headers, body);
  return new GuestTokenError(code, `${what} answered ${status}.`, {
    status,
    retryAtMs: retryAfterMs === undefined ? retryAfterMs : Date.now() + retryAfterMs,
    contextId: isText(contextId) ? /^[\w-]{1,64}$/.exec(contextId)?.[0] : undefined,
  });
}

/** Turns whatever a source threw into an error of ours (contract A11). */
export function toGuestTokenError(thrown: unknown, what = 'The source'): GuestTokenError {
  if (isGuestTokenError(thrown)) return thrown;
  const { status, name, headers }: { status?: unknown; name?: unknown; headers?: unknown } =
    Object(thrown);
  // Not kept as cause: errors that carry a status tend to carry the reply and its headers too.
  if (typeof status === 'number') {
    return errorOfStatus(status, what, headers instanceof Headers ? headers : undefined);
  }
  const code =
    name === 'AbortError' ? 'aborted' : thrown instanceof TypeError ? 'unreachable' : 'unavailable';
  return new GuestTokenError(code, `${what} failed.`, { cause: thrown });
}
