import { CompactEncrypt, compactDecrypt } from 'jose';
import { misconfigured } from '../../core/errors.ts';
import type { PooledToken } from './tokenPool.ts';

export type EncryptionKey = Uint8Array | string;

/**
 * @param keys the first one encrypts, all decrypt; undefined: not encrypted
 *
 * @throws GuestTokenError `misconfigured`
 */
export function createTokenBox(
  keys: EncryptionKey | readonly EncryptionKey[] | undefined,
): TokenBox {
  return keys === undefined ? plain : encrypted(keys);
}

/** Writes tokens down for a store that others may read, and reads them again. */
export interface TokenBox {
  seal(key: string, token: PooledToken): Promise<string>;
  /** Undefined for what can't be read: it may be of an older version, or of another key. */
  open(key: string, value: string): Promise<PooledToken | undefined>;
}

const plain: TokenBox = {
  seal: async (key, token) => write(key, token),
  open: async (key, value) => read(key, value),
};

function encrypted(option: EncryptionKey | readonly EncryptionKey[]): TokenBox {
  const given: readonly EncryptionKey[] =
    typeof option === 'string' || option instanceof Uint8Array ? [option] : option;
  if (given.length === 0 || !given.every(isLongEnough)) {
    throw misconfigured('encryptionKey', 'must be 32 bytes, or a string of 32 characters or more');
  }
  const keys = Promise.all(given.map(importKey));
  return {
    async seal(key, token) {
      const [newest] = await keys;
      if (!newest) throw new Error('unreachable: there is a key');
      return new CompactEncrypt(new TextEncoder().encode(write(key, token)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(newest);
    },
    async open(key, value) {
      for (const secret of await keys) {
        try {
          const { plaintext } = await compactDecrypt(value, secret);
          return read(key, new TextDecoder().decode(plaintext));
        } catch {
          // another key's, or nobody's
        }
      }
      return undefined;
    },
  };
}

function isLongEnough(key: unknown): boolean {
  return typeof key === 'string'
    ? key.length >= 32
    : key instanceof Uint8Array && key.length === 32;
}

/** Once, and not at each token. */
async function importKey(key: EncryptionKey): Promise<CryptoKey> {
  const bytes =
    typeof key === 'string'
      ? await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
      : new Uint8Array(key);
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** With its key, so that whoever can write to Redis can't give a visitor another one's token. */
function write(key: string, token: PooledToken): string {
  return JSON.stringify({ ...token, key });
}

function read(key: string, text: string): PooledToken | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPooledToken(value) && Reflect.get(value, 'key') === key ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPooledToken(value: unknown): value is PooledToken {
  if (typeof value !== 'object' || value === null || !('reply' in value)) return false;
  const { reply } = value;
  return (
    typeof reply === 'object' &&
    reply !== null &&
    'token' in reply &&
    typeof reply.token === 'string' &&
    ['issuedAtMs', 'expiresAtMs', 'keepUntilMs'].every((name) =>
      Number.isFinite(Reflect.get(value, name)),
    )
  );
}
