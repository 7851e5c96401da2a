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
  unreachable: 'Check network and CORS.',
  timed_out: 'Check the source.',
  rate_limited: 'Wait until retryAtMs.',
  unauthorized: 'Check sign-in, client id and secret.',
  forbidden: 'Check role permission and OAuth scope.',
  rejected: 'Check channelId and attributes.',
  unavailable: 'Check the source.',
  malformed_reply: 'Return JSON with id and token.',
  unknown_expiry: 'Return expires_in, exp or created_time.',
  no_progress: 'Return a new token on Cache-Control: no-cache.',
  expired: 'Check expires_in and exp.',
  identity_mismatch: 'Check externalId and authorize.',
  misconfigured: 'Correct it in your code.',
  aborted: 'Ask again if still needed.',
};

/** The hint where the wrong server, or none of ours, has answered. */
export const CHECK_URL = 'Check the URL.';

/** The same request may succeed later without anybody changing anything. */
const passing: readonly GuestTokenErrorCode[] = [
  'unreachable',
  'timed_out',
  'rate_limited',
  'unavailable',
  'expired',
];

/** Tells whether a string from the network is one of our codes. */
export function isGuestTokenErrorCode(code: unknown): code is GuestTokenErrorCode {
  return typeof code === 'string' && Object.hasOwn(hints, code);
}

// A registered symbol, so that a second copy of the package recognises this one's errors.
const brand: unique symbol = Symbol.for('GuestTokenError') as never;

export interface GuestTokenErrorDetails {
  /** What to do; each code has a default. */
  hint?: string | undefined;
  /** HTTP status of the reply, where there was one. */
  status?: number | undefined;
  /** When the next attempt makes sense: epoch ms on this machine's clock. Junk is ignored. */
  retryAtMs?: number | undefined;
  /** Genesys' correlation id, for a support case. */
  contextId?: string | undefined;
  /** Why exactly, as a slug such as `foreign_origin`: the `reason` of the broker's problem document. */
  reason?: string | undefined;
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
  declare readonly code: GuestTokenErrorCode;
  /** What to do about it. */
  declare readonly hint: string;
  /** Whether the same request may succeed later without anybody changing anything. */
  declare readonly retryable: boolean;
  /** HTTP status, where a reply came. */
  declare readonly status: number | undefined;
  /** When the source can be asked again, where it said so: epoch ms on this machine's clock. */
  declare readonly retryAtMs: number | undefined;
  /** Genesys' correlation id. */
  declare readonly contextId: string | undefined;
  /** Why exactly, as a slug such as `foreign_origin`, where that is known. */
  declare readonly reason: string | undefined;
  readonly [brand] = true;

  constructor(code: GuestTokenErrorCode, message: string, details: GuestTokenErrorDetails = {}) {
    const { hint = hints[code], cause, retryAtMs, ...known } = details;
    super(`${message} ${hint}`, cause === undefined ? cause : { cause });
    // 501 says that the server will never be able to do it (RFC 9110, 15.6.2)
    const retryable = passing.includes(code) && known.status !== 501;
    const atMs = isMs(retryAtMs) ? retryAtMs : undefined;
    const name = 'GuestTokenError';
    Object.assign(this, { name, code, hint, retryable, retryAtMs: atMs, ...known });
  }
}

/** Whether a value is a number of 0 or more that a wait can be made of: not NaN, not Infinity. */
export function isMs(value: unknown): value is number {
  return Number.isFinite(value) && Number(value) >= 0;
}

/** Tells whether `error` is a `GuestTokenError`, also one made by a second copy of this package. */
export function isGuestTokenError(error: unknown): error is GuestTokenError {
  return brand in Object(error);
}

/** The error of an option that can't work; `option` is its name as the user wrote it. */
export function misconfigured(option: string, problem: string): GuestTokenError {
  return new GuestTokenError('misconfigured', `Option "${option}" ${problem}.`);
}

/** @throws GuestTokenError `misconfigured`, naming the option, unless `holds` */
export function assertOption(option: string, holds: boolean, problem: string): void {
  if (!holds) throw new GuestTokenError('misconfigured', `Option "${option}" ${problem}.`);
}
