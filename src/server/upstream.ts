import { errorOfStatus, toGuestTokenError } from '../core/classify.ts';
import { GuestTokenError, misconfigured } from '../core/errors.ts';

export interface UpstreamReply {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; undefined where it is none. */
  readonly body: unknown;
}

/**
 * One call to Genesys. Of what it answers nothing but status, headers and parsed body gets out, and
 * errors carry none of it.
 *
 * @param what names the call in errors
 * @throws GuestTokenError `unreachable`, `aborted`, or what a status of 400 and more means
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
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parseJson(text) };
  } catch (error) {
    const { code } = toGuestTokenError(error);
    // Without its cause: what a foreign fetch throws may hold the request.
    throw new GuestTokenError(code === 'aborted' ? 'timed_out' : 'unreachable', `${what} failed.`);
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
  // Genesys' codes are not ours: what it calls "forbidden" must not pick our code.
  const { code, retryAtMs, contextId } = errorOfStatus(status, what, headers, withoutCode(body));
  return new GuestTokenError(code, `${what} answered ${status}.`, {
    status,
    retryAtMs,
    contextId,
    hint: hints[status],
  });
}

function withoutCode(body: unknown): unknown {
  return typeof body === 'object' && body !== null ? { ...body, code: undefined } : undefined;
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
    if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
      throw misconfigured(option, 'must be an http(s) URL without user, query or fragment');
    }
    return explicit.replace(/\/+$/, '');
  }
  // A host name and nothing else: no scheme, path or port smuggled in.
  if (!/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i.test(environment)) {
    throw misconfigured('environment', 'must be a domain such as mypurecloud.ie');
  }
  return `https://${host}.${environment}`;
}

/** @throws GuestTokenError `misconfigured` unless it is a non-empty string */
export function required(option: string, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw misconfigured(option, 'must be a non-empty string');
  }
  return value;
}
