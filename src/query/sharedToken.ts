import { asRecord, type GuestToken, readGuestToken } from '../core/guestToken.ts';

/**
 * A token on its way to another tab or over a page load: the reply that would yield it now, and when
 * that was true.
 */
export interface SharedToken {
  readonly id: string;
  readonly token: string;
  readonly expires_in: number;
  readonly created_time: string | undefined;
  readonly sharedAtMs: number;
}

export function shareToken(token: GuestToken): SharedToken {
  const { visitorId, value, issuedAtMs } = token;
  return {
    id: visitorId,
    token: value,
    expires_in: token.remainingMs() / 1000,
    created_time: issuedAtMs === undefined ? issuedAtMs : new Date(issuedAtMs).toISOString(),
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
  const reply = asRecord(shared);
  const agoMs = Date.now() - Number(reply.sharedAtMs);
  const expires_in = Number(reply.expires_in) - agoMs / 1000;
  // Less than 0: the clock was turned back since, and nobody knows how long ago it was.
  if (!(agoMs >= 0 && expires_in > 0)) return undefined;
  try {
    return readGuestToken({ ...reply, expires_in }, { expiryBufferMs });
  } catch {
    return undefined;
  }
}

/** Which of two tokens was issued later; the same answer in every tab. */
export function isNewer(token: GuestToken, than: GuestToken): boolean {
  const issuedMs = (token.issuedAtMs ?? 0) - (than.issuedAtMs ?? 0);
  if (token.issuedAtMs && than.issuedAtMs && issuedMs !== 0) return issuedMs > 0;
  const expiryMs = token.expiresAtMs - than.expiresAtMs;
  // A second apart is rounding on the way through a channel; then any fixed order will do.
  return Math.abs(expiryMs) > 1_000 ? expiryMs > 0 : token.value > than.value;
}
