import type { Instant } from './clock.ts';
import { GuestTokenError } from './errors.ts';
import { type GuestToken, type ReadGuestTokenOptions, readTokenByClock } from './guestToken.ts';

/**
 * Reads a reply in the light of the token before it.
 *
 * @param before the latest token, in hand or over
 * @param wasRejected a server has refused it
 * @returns the new token; `before` itself where it was handed back and still has life
 * @throws GuestTokenError as `readGuestToken` does; `no_progress` for a token that is over or was
 *   refused and comes back; `expired` for one that ran out on its way
 */
export function readSuccessor(
  reply: unknown,
  before: GuestToken | undefined,
  wasRejected: boolean,
  options: ReadGuestTokenOptions & { readonly requestedAt: Instant },
): GuestToken {
  const read = (clockErrorMs = 0): GuestToken => readTokenByClock(reply, options, clockErrorMs);
  let token = read(before?.clockSkewMs);
  if (before && token.value === before.value) {
    if (!wasRejected && !before.isExpired()) return before;
    throw new GuestTokenError('no_progress', 'The token is over or was refused.');
  }
  const issuedAtMs = token.issuedAtMs ?? 0;
  if (token.expirySource !== 'expires_in' && issuedAtMs > (before?.issuedAtMs ?? issuedAtMs)) {
    // A different token that was issued later was issued just now: that tells the clock's error.
    token = read(options.requestedAt.wallMs - issuedAtMs);
  }
  if (token.isExpired()) throw new GuestTokenError('expired', 'The token is over.');
  return token;
}
