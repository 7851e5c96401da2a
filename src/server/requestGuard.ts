import * as v from 'valibot';
import { normalOrigins } from '../core/guestFetch.ts';
import { Refusal } from './problem.ts';

/** Far above what a visitor's attributes need; a body that goes on is not read on. */
const MAX_BODY_BYTES = 16 * 1024;

/** Genesys' own limit is not documented; a key of a pool must have one. */
const MAX_ID_LENGTH = 512;

const Id = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_ID_LENGTH));

const Body = v.object({
  channelId: v.optional(Id),
  externalId: v.optional(Id),
  attributes: v.optional(v.record(v.string(), v.unknown())),
});

export type TokenRequestBody = v.InferOutput<typeof Body>;

export interface RequestGuard {
  /** The answer to a preflight; undefined for any other request. */
  preflight(request: Request): Response | undefined;
  /** @throws Refusal for a foreign origin, a wrong method or type, a body that is too long or wrong */
  check(request: Request): Promise<TokenRequestBody>;
  /** Adds what every answer has. */
  finish(request: Request, response: Response): Response;
}

/**
 * Lets in what a page of ours sends, and nothing else.
 *
 * @throws GuestTokenError `misconfigured` for allowed origins that are none
 */
export function createRequestGuard(allowedOrigins: readonly string[] = []): RequestGuard {
  const allowed = new Set(normalOrigins(allowedOrigins, 'allowedOrigins'));

  function crossOrigin(request: Request): string | undefined {
    const origin = request.headers.get('Origin');
    return origin !== null && allowed.has(origin) ? origin : undefined;
  }

  function checkOrigin(request: Request): void {
    if (crossOrigin(request) === undefined && !isSameOrigin(request)) {
      throw new Refusal(
        403,
        'forbidden',
        'The request comes from a page of a foreign origin.',
        'Add the origin to allowedOrigins if it is one of yours.',
      );
    }
  }

  return {
    preflight(request) {
      if (request.method !== 'OPTIONS') return undefined;
      checkOrigin(request);
      return new Response(null, {
        status: 204,
        headers: {
          'Access-Control-Allow-Methods': 'POST',
          'Access-Control-Allow-Headers':
            request.headers.get('Access-Control-Request-Headers') ?? 'Content-Type, Cache-Control',
          'Access-Control-Max-Age': '600',
        },
      });
    },
    async check(request) {
      checkOrigin(request);
      checkForm(request);
      return parse(await readText(request));
    },
    finish(request, response) {
      const { headers } = response;
      headers.set('Cache-Control', 'no-store');
      headers.set('Vary', 'Origin');
      headers.set('Date', new Date().toUTCString());
      headers.set('X-Content-Type-Options', 'nosniff');
      const origin = crossOrigin(request);
      if (origin !== undefined) {
        headers.set('Access-Control-Allow-Origin', origin);
        headers.set('Access-Control-Allow-Credentials', 'true');
        headers.set('Access-Control-Expose-Headers', 'Retry-After, Date');
      }
      return response;
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
    throw new Refusal(
      405,
      'rejected',
      'Guest tokens are asked for by POST.',
      'Send a POST request.',
      {
        Allow: 'POST, OPTIONS',
      },
    );
  }
  const type = request.headers.get('Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Refusal(
      415,
      'rejected',
      'The body is not JSON.',
      'Send Content-Type: application/json.',
    );
  }
}

async function readText(request: Request): Promise<string> {
  const announced = Number(request.headers.get('Content-Length') ?? 0);
  if (announced > MAX_BODY_BYTES) throw tooLong();
  if (announced > 0) return request.text();
  // No length, so it may have no end.
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.byteLength;
    if (length > MAX_BODY_BYTES) {
      void reader?.cancel().catch(() => undefined);
      throw tooLong();
    }
    chunks.push(part.value);
  }
  return new Blob(chunks as BlobPart[]).text();
}

function parse(text: string): TokenRequestBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'rejected', 'The body is not valid JSON.', 'Send a JSON object.');
  }
  const parsed = v.safeParse(Body, body);
  if (parsed.success) return parsed.output;
  // The first key of the path is one of ours; deeper ones are the browser's own.
  const field = parsed.issues[0].path?.[0].key;
  throw new Refusal(
    400,
    'rejected',
    field === undefined ? 'The body is not an object.' : `The field "${String(field)}" is wrong.`,
    'Send { channelId?: string, externalId?: string, attributes?: object }; ids of 1 to 512 characters.',
  );
}

function tooLong(): Refusal {
  return new Refusal(
    413,
    'rejected',
    `The body is longer than ${MAX_BODY_BYTES} bytes.`,
    'Send fewer or shorter attributes.',
  );
}
