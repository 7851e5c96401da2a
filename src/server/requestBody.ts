import * as v from 'valibot';
import { asRecord } from '../core/json.ts';
import { inTime } from './inTime.ts';
import { HttpProblem } from './problem.ts';
import { readText } from './readText.ts';

/** Far above what a visitor's attributes need; a longer body is not read to its end. */
const MAX_BODY_BYTES = 16 * 1024;

/** A body that stalls holds a connection. */
const BODY_TIMEOUT_MS = 10_000;

/** Genesys documents no limit; a pool's key needs one. */
const MAX_ID_LENGTH = 512;

/** Attributes are a flat list in practice; thousands of brackets would overflow whoever writes them out. */
const MAX_DEPTH = 16;

/** Names that a later merge of objects could take for something else. */
const DANGEROUS_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

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

/**
 * The body of a request for a token.
 *
 * @throws HttpProblem for a body that was read before, is too long or too slow, breaks off, or is wrong
 */
export async function readBody(request: Request): Promise<TokenRequestBody> {
  if (request.bodyUsed || wasReadBelow(request)) {
    throw new HttpProblem({
      status: 500,
      code: 'misconfigured',
      reason: 'body_already_read',
      message: 'The request must reach the broker before anything else has read its body.',
      hint: 'Mount the broker before any body parser, such as express.json().',
    });
  }
  const announced = Number(request.headers.get('Content-Length'));
  if (announced > MAX_BODY_BYTES) throw tooLong();
  // An HTTP server holds a body to its announced length (RFC 9112, 6.3), and reading it in one go costs
  // half as much. A body without one may have no end, so that is counted as it comes.
  const reading = announced > 0 ? request.text() : readText(request.body, MAX_BODY_BYTES);
  const text = await inTime(reading.catch(brokeOff), BODY_TIMEOUT_MS, tooSlow);
  // Counted all the same: not every Request comes from such a server.
  if (text === undefined || isTooLong(text)) throw tooLong();
  return parse(text);
}

/** Whether a body parser has read Node's own request, which `srvx` makes a `Request` of. */
function wasReadBelow(request: object): boolean {
  const { runtime }: { runtime?: { node?: { req?: { readableDidRead?: boolean } } } } = request;
  return runtime?.node?.req?.readableDidRead === true;
}

function tooSlow(): HttpProblem {
  return new HttpProblem({
    status: 408,
    code: 'timed_out',
    reason: 'body_too_slow',
    message: 'The body did not come in time.',
    hint: 'Send the request again.',
  });
}

function brokeOff(): never {
  throw new HttpProblem({
    status: 400,
    code: 'rejected',
    reason: 'body_incomplete',
    message: 'The body broke off.',
    hint: 'Send the request again.',
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

function dangerousName(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const found = DANGEROUS_NAMES.has(name) ? name : dangerousName(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function parse(text: string): TokenRequestBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new HttpProblem({
      status: 400,
      code: 'rejected',
      reason: 'not_json',
      message: 'The body is not valid JSON.',
      hint: 'Send a JSON object.',
    });
  }
  const parsed = v.safeParse(Body, body);
  if (parsed.success) {
    // valibot drops such names in silence
    const name = dangerousName(asRecord(body).attributes);
    if (name === undefined) return parsed.output;
    throw invalidField(`The name "${name}" in attributes is not allowed.`, 'Choose another name.');
  }
  // The first key of the path is one of ours; deeper ones are the browser's own.
  const field = parsed.issues[0].path?.[0].key;
  throw invalidField(
    field === undefined ? 'The body is not an object.' : `The field "${String(field)}" is wrong.`,
    'Send { channelId?: string, externalId?: string, attributes?: object }; ids of 1 to 512 characters, attributes at most 16 levels deep.',
  );
}

function invalidField(message: string, hint: string): HttpProblem {
  return new HttpProblem({
    status: 400,
    code: 'rejected',
    reason: 'invalid_field',
    message,
    hint,
  });
}

function tooLong(): HttpProblem {
  return new HttpProblem({
    status: 413,
    code: 'rejected',
    reason: 'body_too_long',
    message: `The body is longer than ${MAX_BODY_BYTES} bytes.`,
    hint: 'Send fewer or shorter attributes.',
  });
}
