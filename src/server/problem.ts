import { GuestTokenError, type GuestTokenErrorCode } from '../core/errors.ts';

/** HTTP statuses of the failures that do not bring one along. */
const statuses: Record<GuestTokenErrorCode, number> = {
  unauthorized: 401,
  forbidden: 403,
  identity_mismatch: 403,
  rate_limited: 429,
  timed_out: 504,
  unavailable: 503,
  unreachable: 502,
  malformed_reply: 502,
  unknown_expiry: 502,
  no_progress: 502,
  expired: 502,
  rejected: 502,
  aborted: 503,
  misconfigured: 500,
};

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Why exactly the broker has no token to give: the `reason` of its problem documents. */
export type ProblemReason =
  | 'address_limit'
  | 'authorize_failed'
  | 'body_already_read'
  | 'body_incomplete'
  | 'body_too_long'
  | 'body_too_slow'
  | 'channel_not_allowed'
  | 'circuit_open'
  | 'foreign_origin'
  | 'invalid_field'
  | 'new_visitors_limit'
  | 'not_json'
  | 'other_visitor'
  | 'pool_unavailable'
  | 'reauthenticate'
  | 'redirected'
  | 'signed_out'
  | 'upstream_limit'
  | 'visitor_limit'
  | 'wrong_method'
  | 'wrong_visitor';

interface HttpProblemDetails {
  readonly status: number;
  readonly code: GuestTokenErrorCode;
  readonly reason: ProblemReason;
  /** What failed, with a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal of the broker's own, with its HTTP status. */
export class HttpProblem extends GuestTokenError {
  declare readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ code, message, headers = {}, ...details }: HttpProblemDetails) {
    super(code, message, details);
    this.headers = headers;
  }
}

/** The status that an error is answered with. */
export function statusOf(error: GuestTokenError): number {
  return error instanceof HttpProblem ? error.status : statuses[error.code];
}

/** Why exactly; undefined where nobody said so in the form of a slug. */
export function reasonOf({ reason }: GuestTokenError): string | undefined {
  return typeof reason === 'string' && /^[a-z_]{1,40}$/.test(reason) ? reason : undefined;
}

/** The name of an error that is not ours, and only that: its message may hold anything. */
export function nameOfError(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

/** What is answered, before it has the headers that every answer has. */
export interface Answer {
  readonly status: number;
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * An error as RFC 9457 has it, with our `code`, `reason`, `hint` and Genesys' `contextId`. Holds only texts of
 * this package: nothing that came from upstream or from the browser.
 */
export function problemAnswer(error: GuestTokenError): Answer {
  const status = statusOf(error);
  const { code, hint, contextId, retryAtMs } = error;
  const reason = reasonOf(error);
  const waits = retryAtMs !== undefined && (status === 429 || status === 503);
  const document = {
    type: `urn:react-guest-token:${code}`,
    title: titles[status] ?? 'Error',
    status,
    // GuestTokenError ends its message with the hint, which has a member of its own
    detail: error.message.replace(` ${hint}`, ''),
    code,
    ...(reason && { reason }),
    hint,
    ...(contextId && { contextId }),
  };
  return {
    status,
    body: JSON.stringify(document),
    headers: {
      'Content-Type': 'application/problem+json',
      ...(error instanceof HttpProblem && error.headers),
      ...(waits && { 'Retry-After': retryAfter(retryAtMs) }),
    },
  };
}

/** Longer waits come from a mistake, or from somebody who wants to keep visitors out. */
const MAX_RETRY_AFTER_S = 86_400;

function retryAfter(retryAtMs: number): string {
  const seconds = Math.ceil((retryAtMs - Date.now()) / 1000);
  return String(Math.min(Math.max(1, seconds), MAX_RETRY_AFTER_S));
}
