import {
  GuestTokenError,
  type GuestTokenErrorCode,
  isGuestTokenError,
  isGuestTokenErrorCode,
} from './errors.ts';
import { asRecord } from './guestToken.ts';
import { readRetryAfterMs } from './retryAfter.ts';

/** What an HTTP status means for a token (contract A4, A5). */
function codeOfStatus(status: number): GuestTokenErrorCode {
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 408:
      return 'timed_out';
    case 429:
      return 'rate_limited';
    default:
      return status >= 500 ? 'unavailable' : 'rejected';
  }
}

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
  const code = isGuestTokenErrorCode(named) ? named : codeOfStatus(status);
  const retryAfterMs = readRetryAfterMs(headers, body);
  return new GuestTokenError(code, `${what} answered ${status}.`, {
    status,
    retryAtMs: retryAfterMs === undefined ? undefined : Date.now() + retryAfterMs,
    contextId:
      typeof contextId === 'string' && /^[\w-]{1,64}$/.test(contextId) ? contextId : undefined,
  });
}

/** Turns whatever a source threw into an error of ours (contract A11). */
export function toGuestTokenError(
  thrown: unknown,
  what = 'The guest token source',
): GuestTokenError {
  if (isGuestTokenError(thrown)) return thrown;
  if (thrown instanceof Response) return errorOfStatus(thrown.status, what, thrown.headers);
  const { status, name } = named(thrown);
  // Not kept as cause: errors that carry a status tend to carry the reply and its headers too.
  if (status !== undefined) return errorOfStatus(status, what);
  if (name === 'AbortError') {
    return new GuestTokenError('aborted', `${what} was asked no further.`, { cause: thrown });
  }
  if (thrown instanceof TypeError) {
    return new GuestTokenError('unreachable', `${what} could not be reached.`, { cause: thrown });
  }
  return new GuestTokenError('unavailable', `${what} failed.`, { cause: thrown });
}

function named(thrown: unknown): { status: number | undefined; name: unknown } {
  if (typeof thrown !== 'object' || thrown === null) return { status: undefined, name: undefined };
  const status = 'status' in thrown ? thrown.status : undefined;
  return {
    status: typeof status === 'number' ? status : undefined,
    name: 'name' in thrown ? thrown.name : undefined,
  };
}
