/** Every way in which getting or using a guest token can fail. The union is closed: a `switch` over it can be exhaustive. */
export type GuestTokenErrorCode =
  | 'unreachable'
  | 'timed_out'
  | 'rate_limited'
  | 'unauthorized'
  | 'forbidden'
  | 'rejected'
  | 'unavailable'
  | 'malformed_reply'
  | 'unknown_expiry'
  | 'no_progress'
  | 'expired'
  | 'identity_mismatch'
  | 'misconfigured'
  | 'aborted';

const hints: Record<GuestTokenErrorCode, string> = {
  unreachable: 'Check the network, the URL of the source, and CORS if it has another origin.',
  timed_out: 'The source took too long. Check its health and its log.',
  rate_limited:
    'Too many requests. Wait until retryAtMs; share tokens, or pool them in the broker.',
  unauthorized:
    'Check that the visitor is signed in to your site, and on the server GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET.',
  forbidden:
    'Give the OAuth client a role with the missing permission, or the scope webchat:visitor:create; check allowedOrigins.',
  rejected: 'The request was refused as wrong. Check channelId, externalId and attributes.',
  unavailable: 'The source failed. It is usually over soon; see its log.',
  malformed_reply:
    'The source must answer JSON with a non-empty "id" and "token". Check that its URL is not a page of your site.',
  unknown_expiry: 'Answer expires_in (seconds), a JWT with exp, or created_time.',
  no_progress:
    'The source handed out a token that is over or was refused. Have it issue a new one when asked with Cache-Control: no-cache.',
  expired: 'The token ran out before it could be used. Check the life of the tokens.',
  identity_mismatch: 'The reply or request names another visitor. Check authorize and externalId.',
  misconfigured: 'Correct the option that the message names.',
  aborted: 'The call was cancelled, or the visitor has changed.',
};

const retryableCodes: ReadonlySet<GuestTokenErrorCode> = new Set([
  'unreachable',
  'timed_out',
  'rate_limited',
  'unavailable',
  'expired',
]);

/** Tells whether a string from the network is one of our codes. */
export function isGuestTokenErrorCode(code: unknown): code is GuestTokenErrorCode {
  return typeof code === 'string' && Object.hasOwn(hints, code);
}

// A registered symbol, so that a second copy of the package recognises this one's errors.
const brand: unique symbol = Symbol.for('react-guest-token.error') as never;

export interface GuestTokenErrorDetails {
  /** What to do; each code has a default. */
  hint?: string | undefined;
  /** HTTP status of the reply, where there was one. */
  status?: number | undefined;
  /** When the next attempt makes sense: epoch ms on this machine's clock. */
  retryAtMs?: number | undefined;
  /** Genesys' correlation id, for a support case. */
  contextId?: string | undefined;
  /** What was thrown underneath, where it can hold neither a token nor a reply. */
  cause?: unknown;
}

/**
 * The one error that this package throws.
 *
 * @example
 * switch (error.code) {
 *   case 'rate_limited': return `Busy. Next try at ${new Date(error.retryAtMs ?? 0)}`;
 *   case 'unreachable': return 'You seem to be offline.';
 *   default: return error.hint;
 * }
 */
export class GuestTokenError extends Error {
  override readonly name = 'GuestTokenError';
  readonly code: GuestTokenErrorCode;
  /** What to do about it. */
  readonly hint: string;
  /** Whether the same request may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** HTTP status, where a reply came. */
  readonly status: number | undefined;
  /** When the source can be asked again, where it said so: epoch ms on this machine's clock. */
  readonly retryAtMs: number | undefined;
  /** Genesys' correlation id. */
  readonly contextId: string | undefined;

  constructor(code: GuestTokenErrorCode, message: string, details: GuestTokenErrorDetails = {}) {
    const hint = details.hint ?? hints[code];
    super(`${message} ${hint}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = hint;
    this.status = details.status;
    // 501 says that the server will never be able to do it (RFC 9110, 15.6.2)
    this.retryable = retryableCodes.has(code) && details.status !== 501;
    this.retryAtMs = details.retryAtMs;
    this.contextId = details.contextId;
  }

  get [brand](): true {
    return true;
  }
}

/** Tells whether `error` is a `GuestTokenError`, also one made by a second copy of this package. */
export function isGuestTokenError(error: unknown): error is GuestTokenError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** The error of an option that can't work; `option` is its name as the user wrote it. */
export function misconfigured(option: string, problem: string): GuestTokenError {
  return new GuestTokenError('misconfigured', `The option "${option}" ${problem}.`);
}
