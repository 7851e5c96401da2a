import type { Instant } from './clock.ts';
import { GuestTokenError } from './errors.ts';
import { type GuestToken, type ReadGuestTokenOptions, readGuestToken } from './guestToken.ts';

/** What is known from the token before. */
export interface Predecessor {
  /** The latest token, in hand or over. */
  readonly token: GuestToken | undefined;
  /** It was refused by a server. */
  readonly wasRejected: boolean;
  /** How far this machine's clock is ahead of the issuer's, as far as is known. */
  readonly clockErrorMs: number;
}

export interface Successor {
  /** The new token; the one before itself where it was handed back and still has life. */
  readonly token: GuestToken;
  readonly clockErrorMs: number;
}

/**
 * Reads a reply in the light of the token before it.
 *
 * @throws GuestTokenError as `readGuestToken` does; `no_progress` for a token that is over or was
 *   refused and comes back; `expired` for one that ran out on its way
 */
export function readSuccessor(
  reply: unknown,
  before: Predecessor,
  options: ReadGuestTokenOptions & { readonly requestedAt: Instant },
): Successor {
  let { clockErrorMs } = before;
  const read = (): GuestToken => readGuestToken(reply, { ...options, clockErrorMs });
  let token = read();
  if (token.value === before.token?.value) {
    if (before.wasRejected) throw comesBack('was refused');
    if (before.token.isExpired()) throw comesBack('is over');
    return { token: before.token, clockErrorMs };
  }
  const issuedAtMs = token.expirySource === 'expires_in' ? undefined : token.issuedAtMs;
  if (issuedAtMs && before.token?.issuedAtMs && issuedAtMs > before.token.issuedAtMs) {
    // A different token that was issued later was issued just now: that tells the clock's error.
    clockErrorMs = options.requestedAt.wallMs - issuedAtMs;
    token = read();
  }
  if (token.isExpired()) {
    throw new GuestTokenError('expired', 'The token ran out on its way.');
  }
  return { token, clockErrorMs };
}

function comesBack(problem: string): GuestTokenError {
  return new GuestTokenError('no_progress', `The source handed out a token again that ${problem}.`);
}
