import { GuestTokenError, type GuestTokenErrorCode } from '../core/errors.ts';
import { asRecord } from '../core/json.ts';
import { readJwtClaims } from '../core/jwt.ts';
import type { SocketReply } from './getJwt.ts';

export interface HistoryJwt {
  readonly token: string;
  /** Seconds for which it can be sent. */
  readonly expires_in: number;
}

/** The last seconds are not used, since a call takes time to arrive; nor are they by Genesys' mobile SDK. */
const LAST_SECONDS = 5;

/** Genesys' live a minute. A JWT that lives longer than a day has its `exp` in ms. */
const MAX_SECONDS = 86_400;

/** @throws GuestTokenError the failure that the reply tells of, `malformed_reply` or `no_progress` */
export function readJwt({ class: kind, code, body }: SocketReply): HistoryJwt {
  const { jwt: token, exp, retryAfter } = asRecord(body);
  if (code !== 200) throw failure(Number(code), retryAfter);
  // visible ASCII, since it goes into a header
  if (kind !== 'JwtResponse' || typeof token !== 'string' || !/^[!-~]+$/.test(token))
    throw unusable();
  const claims = readJwtClaims(token);
  const ends = [exp ?? claims.exp, claims.exp ?? exp].map(Number);
  // Life counts from its issue, which was a moment ago: this machine's clock may be wrong.
  const issuedAt = Number(claims.iat ?? Date.now() / 1000);
  const life = Math.min(...ends) - issuedAt;
  if (!(Math.max(...ends) - issuedAt < MAX_SECONDS)) throw unusable();
  if (life <= 0) throw unusable('no_progress');
  return { token, expires_in: life - Math.min(LAST_SECONDS, life / 5) };
}

function unusable(code: GuestTokenErrorCode = 'malformed_reply'): GuestTokenError {
  return new GuestTokenError(code, 'getJwt was answered without a usable JWT.', {
    hint: 'Check the socket.',
  });
}

/** What the codes of Genesys' socket mean: code and reason of our error. */
const meanings: Readonly<Record<number, readonly [GuestTokenErrorCode, reason?: string]>> = {
  401: ['unauthorized'],
  403: ['forbidden', 'reauthenticate'],
  429: ['rate_limited'],
  4006: ['rejected', 'session_expired'],
  4007: ['rejected', 'session_not_found'],
};

function failure(code: number, retryAfterSeconds: unknown): GuestTokenError {
  const [meaning, reason] = meanings[code] ?? [code < 5000 ? 'rejected' : 'unavailable'];
  return new GuestTokenError(meaning, `getJwt was answered ${code}.`, {
    hint: code === 403 ? 'Sign the visitor in again.' : 'Configure the session again.',
    reason,
    retryAtMs: Date.now() + Number(retryAfterSeconds) * 1000,
  });
}
