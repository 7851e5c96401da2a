import { elapsedMs, type Instant, readClock } from './clock.ts';
import { GuestTokenError } from './errors.ts';
import {
  DEFAULT_EXPIRY_BUFFER_MS,
  DEFAULT_FALLBACK_TTL_MS,
  type ExpiryClaims,
  type ExpirySource,
  effectiveBufferMs,
  type Life,
  lifeOf,
} from './expiry.ts';
import { asRecord, isText } from './json.ts';
import { readJwtClaims } from './jwt.ts';

/** What Genesys answers to the visitor call, plus `expires_in`, which our broker adds. */
export interface GuestTokenReply {
  /** The visitor's id at Genesys. */
  id: string;
  /** The guest token: a JWT, or for some channels an opaque string. */
  token: string;
  /** Seconds of life that are left. */
  expires_in?: number | undefined;
  /** ISO 8601. */
  created_time?: string | undefined;
  /** ISO 8601. */
  updated_time?: string | undefined;
  state?: string | undefined;
  external_id?: string | undefined;
  channel_id?: string | undefined;
}

const REDACTED = '[redacted]';

interface GuestTokenFields extends Life {
  readonly visitorId: string;
  readonly requestedAt: Instant;
  readonly bufferMs: number;
  readonly issuedAtMs: number | undefined;
}

/**
 * A guest token: its secret, its visitor, its life. The secret is in a private field, so that
 * nothing that prints, serialises or copies this object can carry it away; the one way to read it
 * is `.value`.
 */
export class GuestToken {
  readonly #value: string;
  /** The visitor's id at Genesys. */
  declare readonly visitorId: string;
  /** Start of the request that brought it; life counts from here. */
  declare readonly requestedAt: Instant;
  /** Ms of life, from `requestedAt`. */
  declare readonly lifeMs: number;
  /** Ms before the end at which it counts as stale. */
  declare readonly bufferMs: number;
  /** Where the expiry was read from. */
  declare readonly expirySource: ExpirySource;
  /** The JWT's `iat` or the reply's `created_time`: epoch ms on the issuer's clock. */
  declare readonly issuedAtMs: number | undefined;
  /** How far this machine's clock is ahead of the issuer's, as far as is known. */
  declare readonly clockSkewMs: number;

  constructor(value: string, fields: GuestTokenFields) {
    this.#value = value;
    Object.assign(this, fields);
  }

  /** The secret itself. */
  get value(): string {
    return this.#value;
  }

  /** When it ends: epoch ms on this machine's clock. */
  get expiresAtMs(): number {
    return this.requestedAt.wallMs + this.lifeMs;
  }

  /** When it should be replaced: epoch ms on this machine's clock. */
  get staleAtMs(): number {
    return this.expiresAtMs - this.bufferMs;
  }

  /** Ms until it ends; 0 or less: it is over. `now` defaults to the current moment. */
  remainingMs(now: Instant = readClock()): number {
    return this.lifeMs - elapsedMs(this.requestedAt, now);
  }

  /** Over: from `expiresAtMs` on. */
  isExpired(): boolean {
    return this.remainingMs() <= 0;
  }

  /** Due for replacement: from `staleAtMs` on. */
  isStale(): boolean {
    return this.remainingMs() <= this.bufferMs;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  // Node's util.inspect; the symbol is registered, so core needs nothing of Node for it
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

/** Whether `value` is a `GuestToken`, also one of a second copy of this package. */
export function isGuestToken(value: unknown): value is GuestToken {
  return 'remainingMs' in Object(value);
}

export interface ReadGuestTokenOptions {
  /** Start of the request that brought the reply: an `Instant`, or epoch ms. Default: now. */
  requestedAt?: Instant | number | undefined;
  /** Ms; life of a token whose expiry can't be read. Default 86,400,000. */
  fallbackTtlMs?: number | undefined;
  /** Ms before the end at which it is stale; at most a fifth of its life is used. Default 60,000. */
  expiryBufferMs?: number | undefined;
}

/**
 * Reads a token from a reply that may be anything.
 *
 * @throws GuestTokenError `malformed_reply` (no usable `id` or `token`), `unknown_expiry`,
 *   `no_progress` (over on arrival)
 */
export function readGuestToken(reply: unknown, options: ReadGuestTokenOptions = {}): GuestToken {
  return readTokenByClock(reply, options, 0);
}

/**
 * `readGuestToken` on a machine whose clock is known to be wrong.
 *
 * @param clockErrorMs how far this clock is ahead of the issuer's
 */
export function readTokenByClock(
  reply: unknown,
  options: ReadGuestTokenOptions,
  clockErrorMs: number,
): GuestToken {
  const { token, id, ...rest } = asReply(reply, 'The source');
  const { fallbackTtlMs = DEFAULT_FALLBACK_TTL_MS, expiryBufferMs = DEFAULT_EXPIRY_BUFFER_MS } =
    options;
  const requestedAt = asInstant(options.requestedAt);
  const claims = readClaims(token, rest);
  const life = lifeOf(claims, requestedAt.wallMs, clockErrorMs, fallbackTtlMs);
  return new GuestToken(token, {
    ...life,
    visitorId: id,
    requestedAt,
    bufferMs: effectiveBufferMs(life.lifeMs, expiryBufferMs),
    issuedAtMs: claims.issuedAtMs ?? claims.createdAtMs,
  });
}

/**
 * The reply itself, where it has what a token needs.
 *
 * @param what names the other side in the error
 * @param hint replaces the error's own
 * @throws GuestTokenError `malformed_reply`
 */
export function asReply(reply: unknown, what: string, hint?: string): GuestTokenReply {
  const record = asRecord(reply);
  const { id, token } = record;
  // Visible ASCII only: anything else can't stand in a header, and may be an attempt to split it.
  if (isText(id) && isText(token) && /^[!-~]+$/.test(token)) return { ...record, id, token };
  throw new GuestTokenError('malformed_reply', `${what} answered no usable token.`, { hint });
}

/** Reads what token and reply say about time; what can't be read is left out, never taken as 0. */
export function readClaims(token: string, reply: Record<string, unknown>): ExpiryClaims {
  const { exp, iat } = readJwtClaims(token);
  const { created_time: created } = reply;
  return {
    expiresInMs: toMs(reply.expires_in, Number.NEGATIVE_INFINITY),
    expiresAtMs: toMs(exp, 0),
    issuedAtMs: toMs(iat, 0),
    // ISO 8601; Date.parse takes "visitor 12", too
    createdAtMs: toMs(isText(created) && /^\d{4}-/.test(created) && Date.parse(created) / 1000, 0),
  };
}

/** Ms, where `seconds` is a finite number above a minimum. */
function toMs(seconds: unknown, aboveMs: number): number | undefined {
  const ms = typeof seconds === 'number' ? seconds * 1000 : Number.NaN;
  return ms > aboveMs && ms < Number.POSITIVE_INFINITY ? ms : undefined;
}

function asInstant(at: Instant | number = readClock()): Instant {
  if (typeof at !== 'number') return at;
  const { wallMs, monotonicMs } = readClock();
  return { wallMs: at, monotonicMs: monotonicMs - (wallMs - at) };
}
