import * as v from 'valibot';
import { misconfigured } from '../core/errors.ts';
import { normalOrigins } from '../core/origins.ts';
import { type Answer, HttpProblem } from './problem.ts';
import { readText } from './readText.ts';

/** Far above what a visitor's attributes need; a body that goes on is not read on. */
const MAX_BODY_BYTES = 16 * 1024;

/** A body that stalls holds a connection. */
const BODY_TIMEOUT_MS = 10_000;

/** Genesys' own limit is not documented; a key of a pool must have one. */
const MAX_ID_LENGTH = 512;

/** Attributes are a flat list in practice; thousands of brackets would overflow whoever writes them out. */
const MAX_DEPTH = 16;

// Not trimmed: an id that differs by a blank is another id.
const Id = v.pipe(v.string(), v.regex(/\S/), v.maxLength(MAX_ID_LENGTH));

/** valibot takes an array for an object with the keys 0, 1, 2. */
const isNoArray = (value: unknown): boolean => !Array.isArray(value);

const Attributes = v.pipe(
  v.unknown(),
  v.check(isNoArray),
  v.check((attributes) => isShallow(attributes, MAX_DEPTH)),
  v.record(v.string(), v.unknown()),
);

const Body = v.pipe(
  v.unknown(),
  v.check(isNoArray),
  v.object({
    channelId: v.optional(Id),
    externalId: v.optional(Id),
    attributes: v.optional(Attributes),
  }),
);

export type TokenRequestBody = v.InferOutput<typeof Body>;

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
      throw new HttpProblem(
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
      return parse(await readBody(request));
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
      return new Response(body, { status, headers: all });
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
    throw new HttpProblem(
      405,
      'rejected',
      'Guest tokens are asked for by POST.',
      'Send a POST request.',
      { Allow: 'POST, OPTIONS' },
    );
  }
  if (!/^\s*application\/json\s*(;|$)/i.test(request.headers.get('Content-Type') ?? '')) {
    throw new HttpProblem(
      415,
      'rejected',
      'The body is not JSON.',
      'Send Content-Type: application/json.',
    );
  }
}

async function readBody(request: Request): Promise<string> {
  if (request.bodyUsed) {
    throw misconfigured('request', 'must reach the broker before anything else has read its body');
  }
  const announced = Number(request.headers.get('Content-Length'));
  if (announced > MAX_BODY_BYTES) throw tooLong();
  // An HTTP server holds a body to its announced length (RFC 9112, 6.3), and reading it in one go costs
  // half as much. A body without one may have no end, so that is counted as it comes.
  const text = await inTime(
    announced > 0 ? request.text() : readText(request.body, MAX_BODY_BYTES),
  );
  // Counted all the same: not every Request comes from such a server.
  if (text === undefined || isTooLong(text)) throw tooLong();
  return text;
}

/** @throws HttpProblem for a body that breaks off, or does not come in time */
function inTime<Result>(work: Promise<Result>): Promise<Result> {
  const again = 'Send the request again.';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new HttpProblem(408, 'timed_out', 'The body did not come in time.', again)),
      BODY_TIMEOUT_MS,
    );
    work.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      () => {
        clearTimeout(timer);
        reject(new HttpProblem(400, 'rejected', 'The body broke off.', again));
      },
    );
  });
}

/** A character is three bytes at most (a surrogate pair, two of them, is four). */
function isTooLong(text: string): boolean {
  if (text.length * 3 <= MAX_BODY_BYTES) return false;
  return new TextEncoder().encode(text).byteLength > MAX_BODY_BYTES;
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}

function parse(text: string): TokenRequestBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new HttpProblem(400, 'rejected', 'The body is not valid JSON.', 'Send a JSON object.');
  }
  const parsed = v.safeParse(Body, body);
  if (parsed.success) return parsed.output;
  // The first key of the path is one of ours; deeper ones are the browser's own.
  const field = parsed.issues[0].path?.[0].key;
  throw new HttpProblem(
    400,
    'rejected',
    field === undefined ? 'The body is not an object.' : `The field "${String(field)}" is wrong.`,
    'Send { channelId?: string, externalId?: string, attributes?: object }; ids of 1 to 512 characters, attributes at most 16 levels deep.',
  );
}

function tooLong(): HttpProblem {
  return new HttpProblem(
    413,
    'rejected',
    `The body is longer than ${MAX_BODY_BYTES} bytes.`,
    'Send fewer or shorter attributes.',
  );
}
