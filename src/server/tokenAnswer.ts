import type { PooledToken } from './pool/tokenPool.ts';
import type { Answer } from './problem.ts';
import { nowMs } from './serverClock.ts';

/** Made once for each token that is in a pool of this process. */
const shownTexts = new WeakMap<PooledToken, string>();

/** The reply's JSON without what stays on the server, and without its last brace. */
function shownText(token: PooledToken): string {
  const known = shownTexts.get(token);
  if (known !== undefined) return known;
  const { refresh_token: _1, refresh_expires_in: _2, expires_in: _3, ...shown } = token.reply;
  const text = JSON.stringify(shown).slice(0, -1);
  shownTexts.set(token, text);
  return text;
}

/** `expires_in` counts from now. */
export function tokenAnswer(token: PooledToken): Answer {
  // to a tenth, for the sake of tokens that live for seconds
  const expiresIn = Math.max(0, Math.floor((token.expiresAtMs - nowMs()) / 100) / 10);
  return {
    status: 200,
    body: `${shownText(token)},"expires_in":${expiresIn}}`,
    headers: { 'Content-Type': 'application/json' },
  };
}
