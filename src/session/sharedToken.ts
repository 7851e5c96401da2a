import { type GuestToken, readGuestToken } from '../core/guestToken.ts';
import { asRecord } from '../core/json.ts';

/** A token on its way to another tab or over a page load: the reply that brought it, and when. */
export interface SharedToken {
  readonly id: string;
  readonly token: string;
  readonly expires_in: number;
  /** Epoch ms: the start of the request that brought it. */
  readonly requestedAtMs: number;
}

export function shareToken({ visitorId, value, lifeMs, requestedAt }: GuestToken): SharedToken {
  return {
    id: visitorId,
    token: value,
    expires_in: lifeMs / 1000,
    requestedAtMs: requestedAt.wallMs,
  };
}

/**
 * Reads what another tab, an older page or anybody else has put there.
 *
 * @returns undefined for whatever is not a living token
 */
export function receiveToken(shared: unknown, expiryBufferMs: number): GuestToken | undefined {
  try {
    const { requestedAtMs, ...reply } = asRecord(shared);
    const requestedAt = Number(requestedAtMs);
    // In the future: the clock was turned back since, and nobody knows how long ago it was.
    if (requestedAt <= Date.now() && Number.isFinite(reply.expires_in)) {
      const token = readGuestToken(reply, { requestedAt, expiryBufferMs });
      if (!token.isExpired()) return token;
    }
  } catch {} // junk
  return undefined;
}

/** Which of two tokens is newer; the same answer in every tab. JWTs know their age in seconds only. */
export function isNewer(token: GuestToken, than: GuestToken): boolean {
  const issuedMs = (token.issuedAtMs ?? 0) - (than.issuedAtMs ?? 0);
  return (issuedMs || token.requestedAt.wallMs - than.requestedAt.wallMs) > 0;
}
