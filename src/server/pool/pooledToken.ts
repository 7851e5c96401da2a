import { readGuestToken } from '../../core/guestToken.ts';
import type { IssuedToken, IssueRequest } from '../issuers/issuer.ts';
import { HttpProblem } from '../problem.ts';
import { nowMs } from '../serverClock.ts';
import type { PooledToken } from './tokenPool.ts';

/** A pooled token with less life is not handed out; of short tokens a fifth of their life. */
const MIN_LIFE_MS = 120_000;
const MIN_LIFE_SHARE = 1 / 5;

/** How often a visitor may have a new token by asking for one; of short tokens half their life. */
const FRESH_EVERY_MS = 10_000;
const FRESH_EVERY_SHARE = 1 / 2;

/** Genesys' default for refresh tokens. */
const REFRESH_LIFE_MS = 86_400_000;

/** What a token must be like to be handed out again. */
export interface Wanted {
  /** Whether the browser asks for a new one. */
  readonly fresh: boolean;
  /** Of the attributes that `authorize` decided; undefined: there are none. */
  readonly attributesHash: string | undefined;
}

export function canBeHandedOut(token: PooledToken, { fresh, attributesHash }: Wanted): boolean {
  const { issuedAtMs, expiresAtMs, byRequest } = token;
  if (token.attributesHash !== attributesHash) return false;
  const now = nowMs();
  const lifeMs = expiresAtMs - issuedAtMs;
  if (expiresAtMs - now <= Math.min(MIN_LIFE_MS, lifeMs * MIN_LIFE_SHARE)) return false;
  const recentMs = Math.min(FRESH_EVERY_MS, lifeMs * FRESH_EVERY_SHARE);
  return !fresh || (byRequest && now - issuedAtMs < recentMs);
}

/** When the call for a token began, on the wall clock and on the server's. */
export interface Start {
  readonly wallMs: number;
  readonly atMs: number;
}

/**
 * Reads what an issuer yields like anything from the network.
 *
 * @throws GuestTokenError for a reply without a usable token, or for another visitor
 */
export function toPooledToken(
  { externalId }: IssueRequest,
  reply: IssuedToken,
  { wallMs, atMs }: Start,
  { fresh, attributesHash }: Wanted,
): PooledToken {
  // The clock of a server is right, so the JWT's own times will do.
  const { lifeMs } = readGuestToken(reply, { requestedAt: wallMs });
  if (typeof reply.external_id === 'string' && reply.external_id !== externalId) {
    throw new HttpProblem({
      status: 502,
      code: 'identity_mismatch',
      reason: 'wrong_visitor',
      message: 'The issuer answered for another visitor.',
      hint: 'Check toBody and fromReply, and what stands between the broker and Genesys.',
    });
  }
  const expiresAtMs = atMs + lifeMs;
  const { refresh_token, refresh_expires_in: refreshS } = reply;
  const keepMs = typeof refreshS === 'number' && refreshS > 0 ? refreshS * 1000 : REFRESH_LIFE_MS;
  return {
    reply: knownFields(reply),
    issuedAtMs: atMs,
    expiresAtMs,
    byRequest: fresh,
    keepUntilMs: Math.max(expiresAtMs, refresh_token ? atMs + keepMs : 0),
    ...(attributesHash !== undefined && { attributesHash }),
  };
}

/** What else a reply may hold is nobody's business, and would fill the pool. */
function knownFields(reply: IssuedToken): IssuedToken {
  const { id, token, created_time, updated_time, state, external_id, channel_id } = reply;
  const { refresh_token, refresh_expires_in } = reply;
  const texts = { created_time, updated_time, state, external_id, channel_id, refresh_token };
  const given = Object.entries(texts).filter(([, value]) => typeof value === 'string');
  return { id, token, ...Object.fromEntries(given), refresh_expires_in };
}
