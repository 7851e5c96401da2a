import { asRecord, type GuestToken, readGuestToken } from '../core/guestToken.ts';

/**
 * A token on its way to another tab or over a page load: the reply that would yield it now, and when
 * that was true.
 */
export interface SharedToken {
  readonly id: string;
  readonly token: string;
  readonly expires_in: number;
  readonly sharedAtMs: number;
}

export function shareToken(token: GuestToken): SharedToken {
  return {
    id: token.visitorId,
    token: token.value,
    expires_in: token.remainingMs() / 1000,
    sharedAtMs: Date.now(),
  };
}

/**
 * Reads what another tab, an older page or anybody else has put there. A page that was frozen reads
 * it long after it was sent, so the time since is taken off its life.
 *
 * @returns undefined for whatever is not a living token
 */
export function receiveToken(shared: unknown, expiryBufferMs: number): GuestToken | undefined {
  try {
    const reply = asRecord(shared);
    const agoMs = Date.now() - Number(reply.sharedAtMs);
    const expires_in = Number(reply.expires_in) - agoMs / 1000;
    // Less than 0: the clock was turned back since, and nobody knows how long ago it was.
    if (agoMs >= 0 && expires_in > 0) {
      return readGuestToken({ ...reply, expires_in }, { expiryBufferMs });
    }
  } catch {} // junk
  return undefined;
}

/** Which of two tokens was issued later; the same answer in every tab. */
export function isNewer(token: GuestToken, than: GuestToken): boolean {
  const laterMs =
    (token.issuedAtMs ?? 0) - (than.issuedAtMs ?? 0) || token.expiresAtMs - than.expiresAtMs;
  // Less than a second is rounding on the way through a channel; then any fixed order will do.
  return Math.abs(laterMs) >= 1_000 ? laterMs > 0 : token.value > than.value;
}
