import { DIVERGED_MS, elapsedMs, readClock } from '../core/clock.ts';
import { type GuestToken, readGuestToken } from '../core/guestToken.ts';
import { asRecord } from '../core/json.ts';

/** A token on its way to another tab or over a page load: a reply, and how old it was when told. */
export interface SharedToken {
  readonly id: string;
  readonly token: string;
  /** Seconds of its whole life. */
  readonly expires_in: number;
  /** ISO 8601: tells the newer of two tokens that are no JWTs. */
  readonly created_time: string | undefined;
  /** Epoch ms: the start of the request that brought it, by the clock of then. */
  readonly requestedAtMs: number;
  /** Ms of its life that were over when it was told. */
  readonly elapsedMs: number;
  /** Epoch ms. */
  readonly toldAtMs: number;
}

export function shareToken(token: GuestToken): SharedToken {
  const { issuedAtMs, requestedAt } = token;
  const now = readClock();
  return {
    id: token.visitorId,
    token: token.value,
    expires_in: token.lifeMs / 1000,
    created_time: issuedAtMs === undefined ? undefined : new Date(issuedAtMs).toISOString(),
    requestedAtMs: requestedAt.wallMs,
    elapsedMs: elapsedMs(requestedAt, now),
    toldAtMs: now.wallMs,
  };
}

/**
 * Reads what another tab, an older page or anybody else has put there.
 *
 * @returns undefined for whatever is not a usable token
 */
export function receiveToken(shared: unknown, expiryBufferMs: number): GuestToken | undefined {
  try {
    const { requestedAtMs, elapsedMs, toldAtMs, ...reply } = asRecord(shared);
    if (!isNumber(requestedAtMs) || !isNumber(elapsedMs) || !isNumber(toldAtMs)) return undefined;
    const now = readClock();
    const onTheWayMs = now.wallMs - toldAtMs;
    const requestedAt = {
      wallMs: requestedAtMs,
      // By the steady clock, since the other one may have been set since the request.
      monotonicMs: now.monotonicMs - elapsedMs - Math.max(onTheWayMs, 0),
    };
    // Told in the future: the clock was turned back since, and nobody knows how long ago it was.
    if (onTheWayMs >= -DIVERGED_MS && elapsedMs >= 0 && isNumber(reply.expires_in)) {
      const token = readGuestToken(reply, { requestedAt, expiryBufferMs });
      if (!token.isExpired()) return token;
    }
  } catch {} // junk
  return undefined;
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

/** Whether a token is newer than another one; the same answer in every tab. */
export function isNewer(token: GuestToken, than: GuestToken): boolean {
  // JWTs know their age in seconds only.
  const issuedMs = (token.issuedAtMs ?? 0) - (than.issuedAtMs ?? 0);
  const requestedMs = token.requestedAt.wallMs - than.requestedAt.wallMs;
  return (issuedMs || requestedMs || (token.value > than.value ? 1 : -1)) > 0;
}
