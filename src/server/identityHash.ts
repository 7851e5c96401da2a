import { LRUCache } from 'lru-cache';
import { misconfigured } from '../core/errors.ts';

/** As for the keys of a pool: to make a hash costs more than the rest of an answer from memory. */
const REMEMBERED_IDENTITIES = 10_000;

/** HMAC-SHA-256 wants a key of its own length (RFC 7518, 3.2). */
const MIN_KEY_LENGTH = 32;

/** 64 bits: no two visitors of a log share one. */
const DIGITS = 16;

/** Names a visitor in events, without a way back to the id for anybody who has not got the key. */
export type IdentityHash = (externalId: string) => Promise<string>;

/**
 * @param identityKey undefined: a random one for this process
 *
 * @throws GuestTokenError `misconfigured` for a key that is too short
 */
export function createIdentityHash(identityKey: string | undefined): IdentityHash {
  if (identityKey !== undefined && !(identityKey.length >= MIN_KEY_LENGTH)) {
    throw misconfigured('identityKey', `must have ${MIN_KEY_LENGTH} characters or more`);
  }
  const known = new LRUCache<string, string>({ max: REMEMBERED_IDENTITIES });
  let key: Promise<CryptoKey> | undefined;
  return async (externalId) => {
    const before = known.get(externalId);
    if (before !== undefined) return before;
    // Not before: workerd has no random numbers outside a request.
    key ??= importKey(identityKey);
    const bytes = new TextEncoder().encode(externalId);
    const signature = new Uint8Array(await crypto.subtle.sign('HMAC', await key, bytes));
    const hex = Array.from(signature, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const identity = hex.slice(0, DIGITS);
    known.set(externalId, identity);
    return identity;
  };
}

function importKey(identityKey: string | undefined): Promise<CryptoKey> {
  const bytes =
    identityKey === undefined
      ? crypto.getRandomValues(new Uint8Array(32))
      : new TextEncoder().encode(identityKey);
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', bytes, algorithm, false, ['sign']);
}
