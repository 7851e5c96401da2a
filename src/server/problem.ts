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

/** A refusal that is the broker's own, with the status it is answered with. */
export class Refusal extends GuestTokenError {
  readonly answer: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    answer: number,
    code: GuestTokenErrorCode,
    message: string,
    hint: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message, { hint, status: answer });
    this.answer = answer;
    this.headers = headers;
  }
}

/** The status that an error is answered with. */
export function statusOf(error: GuestTokenError): number {
  return error instanceof Refusal ? error.answer : statuses[error.code];
}

/**
 * An error as RFC 9457 has it, with our `code`, `hint` and Genesys' `contextId`. Holds only texts of
 * this package: nothing that came from upstream or from the browser.
 */
export function problemResponse(error: GuestTokenError): Response {
  const status = statusOf(error);
  const { code, hint, contextId, retryAtMs } = error;
  const headers = new Headers({
    'Content-Type': 'application/problem+json',
    ...(error instanceof Refusal && error.headers),
  });
  if (retryAtMs !== undefined && (status === 429 || status === 503)) {
    const seconds = Math.max(1, Math.ceil((retryAtMs - Date.now()) / 1000));
    headers.set('Retry-After', String(seconds));
  }
  const document = {
    type: `urn:react-guest-token:${code}`,
    title: titles[status] ?? 'Error',
    status,
    // GuestTokenError ends its message with the hint, which has a member of its own
    detail: error.message.replace(` ${hint}`, ''),
    code,
    hint,
    ...(contextId && { contextId }),
  };
  return new Response(JSON.stringify(document), { status, headers });
}
