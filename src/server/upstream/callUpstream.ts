import { errorOfStatus } from '../../core/classify.ts';
import { GuestTokenError } from '../../core/errors.ts';
import { asRecord } from '../../core/json.ts';
import type { ProblemReason } from '../problem.ts';
import { readText } from '../readText.ts';

/** Far above any token; what is longer is a page of HTML, or worse. */
const MAX_REPLY_BYTES = 256 * 1024;

export interface UpstreamReply {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; undefined for anything else, and for a reply that is too long. */
  readonly body: unknown;
}

/**
 * One call to Genesys. Only status, headers and parsed body of the answer get out, and errors carry
 * none of it.
 *
 * @param what names the call in errors
 * @throws GuestTokenError `unreachable`, `timed_out`, or `rejected` for a redirect
 */
export async function callUpstream(
  send: typeof fetch | undefined,
  what: string,
  url: string,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<UpstreamReply> {
  let sent: Sent;
  try {
    sent = await sendBounded(send, url, init);
  } catch {
    // Without its cause: what a foreign fetch throws may hold the request.
    const code = init.signal.aborted ? 'timed_out' : 'unreachable';
    throw new GuestTokenError(code, `${what} failed.`);
  }
  if (sent.isRedirect) throw redirected(what);
  return { status: sent.status, headers: sent.headers, body: parseJson(sent.text ?? '') };
}

interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly isRedirect: boolean;
  /** Undefined when it is too long. */
  readonly text: string | undefined;
}

/** Follows no redirect, which could carry the credentials elsewhere, and reads 256 KiB at most. */
export async function sendBounded(
  send: typeof fetch | undefined,
  url: string,
  init: RequestInit,
): Promise<Sent> {
  // Not `redirect: 'error'`, which Cloudflare Workers do not have.
  const response = await (send ?? globalThis.fetch)(url, { ...init, redirect: 'manual' });
  const { status, headers, type } = response;
  const isRedirect = type === 'opaqueredirect' || (status >= 300 && status < 400);
  const text = isRedirect ? undefined : await readText(response.body, MAX_REPLY_BYTES);
  if (text === undefined) void response.body?.cancel().catch(() => undefined);
  return { status, headers, isRedirect, text };
}

export function redirected(what: string): GuestTokenError {
  return new GuestTokenError('rejected', `${what} was answered with a redirect.`, {
    reason: 'redirected' satisfies ProblemReason,
    hint: 'Check apiUrl, loginUrl and GENESYS_ENVIRONMENT: redirects are not followed.',
  });
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
