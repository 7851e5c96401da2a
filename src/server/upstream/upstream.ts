import { errorOfStatus } from '../../core/classify.ts';
import { GuestTokenError, misconfigured } from '../../core/errors.ts';
import { asRecord } from '../../core/json.ts';
import { readText } from '../readText.ts';

/** Far above any token; what is longer is a page of HTML, or worse. */
const MAX_REPLY_BYTES = 256 * 1024;

export interface UpstreamReply {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; undefined where it is none, or too long. */
  readonly body: unknown;
}

/**
 * One call to Genesys. Of what it answers nothing but status, headers and parsed body gets out, and
 * errors carry none of it.
 *
 * @param what names the call in errors
 * @throws GuestTokenError `unreachable` or `timed_out`
 */
export async function callUpstream(
  send: typeof fetch | undefined,
  what: string,
  url: string,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<UpstreamReply> {
  try {
    // A redirect could carry the credentials elsewhere.
    const response = await (send ?? globalThis.fetch)(url, { ...init, redirect: 'error' });
    const text = await readText(response.body, MAX_REPLY_BYTES);
    if (text === undefined) void response.body?.cancel().catch(() => undefined);
    return { status: response.status, headers: response.headers, body: parseJson(text ?? '') };
  } catch {
    // Without its cause: what a foreign fetch throws may hold the request.
    const code = init.signal.aborted ? 'timed_out' : 'unreachable';
    throw new GuestTokenError(code, `${what} failed.`);
  }
}

/** @throws GuestTokenError unless the reply is a 2xx with JSON */
export function okBody({ status, headers, body }: UpstreamReply, what: string): unknown {
  if (status < 200 || status > 299) throw upstreamError(status, what, headers, body);
  if (body === undefined) {
    throw new GuestTokenError('malformed_reply', `${what} answered something other than JSON.`, {
      hint: 'Check apiUrl, loginUrl and the environment.',
    });
  }
  return body;
}

const hints: Record<number, string> = {
  401: 'Check GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and GENESYS_ENVIRONMENT.',
  403: 'Give the OAuth client a role with the permission for webchat visitors, in the right division; where scopes apply, webchat:visitor:create.',
};

function upstreamError(
  status: number,
  what: string,
  headers: Headers,
  body: unknown,
): GuestTokenError {
  const { retryAfter, contextId } = asRecord(body);
  // Without Genesys' code: what it calls "forbidden" must not pick one of ours.
  const known = {
    retryAfter,
    contextId: typeof contextId === 'string' ? contextId : headers.get('ININ-Correlation-Id'),
  };
  const { code, retryAtMs, ...error } = errorOfStatus(status, what, headers, known);
  return new GuestTokenError(code, `${what} answered ${status}.`, {
    status,
    retryAtMs,
    contextId: error.contextId,
    hint: hints[status],
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A base URL without a slash at its end: the explicit one, else a host of the environment.
 *
 * @throws GuestTokenError `misconfigured`, naming the option
 */
export function baseUrl(
  option: string,
  explicit: string | undefined,
  host: string,
  environment: string,
): string {
  if (explicit !== undefined) {
    const url = URL.canParse(explicit) ? new URL(explicit) : undefined;
    if (!url || !isSafe(url) || url.username || url.password || url.search || url.hash) {
      throw misconfigured(
        option,
        'must be an https URL without user, query or fragment; http on this machine only',
      );
    }
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  }
  // A host name and nothing else: no scheme, path or port smuggled in.
  if (!/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i.test(environment)) {
    throw misconfigured('environment', 'must be a domain such as mypurecloud.ie');
  }
  return `https://${host}.${environment}`;
}

/** Secrets do not travel in the clear; plain http is for the sandbox and tests on this machine. */
function isSafe(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** @throws GuestTokenError `misconfigured` unless it is a non-empty string that can stand in a header */
export function required(option: string, value: unknown): string {
  if (isHeaderWord(value)) return value;
  throw misconfigured(option, 'must be a non-empty string of plain characters without blanks');
}

/** A text that can stand in a header: anything else may be an attempt to split it. */
export function isHeaderWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}
