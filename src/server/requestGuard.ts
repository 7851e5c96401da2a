import { FastResponse } from 'srvx';
import { normalOrigins } from '../core/origins.ts';
import { type Answer, HttpProblem } from './problem.ts';
import { readBody, type TokenRequestBody } from './requestBody.ts';

export interface RequestGuard {
  /** The answer to a preflight; undefined for any other request. */
  preflight(request: Request): Answer | undefined;
  /** @throws HttpProblem for a foreign origin, a wrong method or type, a body that is too long or wrong */
  check(request: Request): Promise<TokenRequestBody>;
  /** An answer with the headers that every answer has, and a cookie where there is one. */
  respond(request: Request, answer: Answer, setCookie?: string): Response;
}

/**
 * Lets in what a page of ours sends, and nothing else.
 *
 * @throws GuestTokenError `misconfigured` for allowed origins that are none
 */
export function createRequestGuard(allowedOrigins: readonly string[] = []): RequestGuard {
  const allowed = new Set(normalOrigins(allowedOrigins, 'allowedOrigins'));

  function crossOrigin(request: Request): string | undefined {
    const origin = allowed.size > 0 ? request.headers.get('Origin') : null;
    return origin !== null && allowed.has(origin) ? origin : undefined;
  }

  function checkOrigin(request: Request): void {
    if (crossOrigin(request) === undefined && !isSameOrigin(request)) {
      throw new HttpProblem({
        status: 403,
        code: 'forbidden',
        reason: 'foreign_origin',
        message: 'The request comes from a page of a foreign origin.',
        hint: 'Add the origin to allowedOrigins if it is one of yours.',
      });
    }
  }

  return {
    preflight(request) {
      if (request.method !== 'OPTIONS') return undefined;
      checkOrigin(request);
      return {
        status: 204,
        body: null,
        headers: {
          'Access-Control-Allow-Methods': 'POST',
          'Access-Control-Allow-Headers':
            request.headers.get('Access-Control-Request-Headers') ?? 'Content-Type, Cache-Control',
          'Access-Control-Max-Age': '600',
        },
      };
    },
    async check(request) {
      checkOrigin(request);
      checkForm(request);
      return readBody(request);
    },
    respond(request, { status, body, headers }, setCookie) {
      // A plain object: to set headers one by one on a Response costs several times as much.
      const all: Record<string, string> = {
        ...headers,
        'Cache-Control': 'no-store',
        Vary: 'Origin',
        Date: new Date().toUTCString(),
        'X-Content-Type-Options': 'nosniff',
      };
      if (setCookie !== undefined) all['Set-Cookie'] = setCookie;
      const origin = crossOrigin(request);
      if (origin !== undefined) {
        all['Access-Control-Allow-Origin'] = origin;
        all['Access-Control-Allow-Credentials'] = 'true';
        all['Access-Control-Expose-Headers'] = 'Retry-After, Date';
      }
      // On Node, srvx writes the text out as it is, which costs a third less than a Response with its
      // stream; elsewhere this is the platform's Response.
      return new FastResponse(body, { status, headers: all });
    },
  };
}

/** By what the browser says, else by host name: behind a TLS proxy `request.url` is not the public one. */
function isSameOrigin(request: Request): boolean {
  const { headers } = request;
  const site = headers.get('Sec-Fetch-Site');
  if (site !== null) return site === 'same-origin';
  const origin = headers.get('Origin');
  // No browser leaves it out of a cross-origin POST; who is not a browser is for `authorize`.
  if (origin === null) return true;
  const host = headers.get('Host') ?? new URL(request.url).host;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function checkForm(request: Request): void {
  if (request.method !== 'POST') {
    throw new HttpProblem({
      status: 405,
      code: 'rejected',
      reason: 'wrong_method',
      message: 'Guest tokens are asked for by POST.',
      hint: 'Send a POST request.',
      headers: { Allow: 'POST, OPTIONS' },
    });
  }
  if (!/^\s*application\/json\s*(;|$)/i.test(request.headers.get('Content-Type') ?? '')) {
    throw new HttpProblem({
      status: 415,
      code: 'rejected',
      reason: 'not_json',
      message: 'The body is not JSON.',
      hint: 'Send Content-Type: application/json.',
    });
  }
}
