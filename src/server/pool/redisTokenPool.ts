import { CompactEncrypt, compactDecrypt } from 'jose';
import { misconfigured } from '../../core/errors.ts';
import { RedisUnavailable, redisWithTimeout } from '../redisWithTimeout.ts';
import { memoryTokenPool } from './memoryTokenPool.ts';
import type { PooledToken, TokenPool } from './tokenPool.ts';

/** The part of the package `redis`' client that the pool uses. */
export interface RedisClient {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: { PX: number; NX?: true }): Promise<unknown>;
  del(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

type EncryptionKey = Uint8Array | string;

export interface RedisTokenPoolOptions {
  /**
   * 32 bytes, or a passphrase of 32 characters or more: tokens are encrypted with it. Several for
   * rotation: the first one encrypts, all decrypt. Default: not encrypted.
   */
  encryptionKey?: EncryptionKey | readonly EncryptionKey[] | undefined;
  /** Default `react-guest-token:`. */
  prefix?: string | undefined;
}

/** Longer than an upstream call ever takes; a machine that dies gives its lock back after this. */
const LOCK_MS = 12_000;

/** How often a machine looks whether another one has got the token. */
const LOOK_EVERY_MS = 40;

/** Deletes the lock of this machine, and not the one that another has taken since. */
const UNLOCK =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end";

/**
 * A pool that several machines share, on a connected client of the package `redis`. While Redis is
 * down or slow each machine serves from its own memory, and tells so once a second.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function redisTokenPool(
  client: RedisClient,
  options: RedisTokenPoolOptions = {},
): TokenPool {
  const { prefix = 'react-guest-token:' } = options;
  const box = options.encryptionKey === undefined ? plain : encrypted(options.encryptionKey);
  const ask = redisWithTimeout(client);
  const own = memoryTokenPool();
  let untold: unknown;

  return {
    prefix,
    async get(key) {
      try {
        const value = await ask(() => client.get(prefix + key));
        return typeof value === 'string' ? await box.open(key, value) : undefined;
      } catch (error) {
        if (error instanceof RedisUnavailable) return own.get(key);
        throw error;
      }
    },
    async set(key, token) {
      await own.set(key, token);
      const leftMs = Math.max(1, Math.ceil(token.keepUntilMs - Date.now()));
      const value = await box.seal(key, token);
      try {
        await ask(() => client.set(prefix + key, value, { PX: leftMs }));
      } catch (error) {
        if (!(error instanceof RedisUnavailable)) throw error;
        const told = untold;
        untold = undefined;
        if (told) throw told;
      }
    },
    async delete(key) {
      await own.delete(key);
      await ask(() => client.del(prefix + key));
    },
    async exclusively(key, work) {
      const lock = `${prefix}lock:${key}`;
      const holder = crypto.randomUUID();
      const unlock = (): void => {
        // Without the time-out: a lock that stays behind holds up every machine.
        client.eval(UNLOCK, { keys: [lock], arguments: [holder] }).catch(() => undefined);
      };
      const endsAtMs = Date.now() + LOCK_MS;
      let locked = false;
      try {
        while (!locked && Date.now() < endsAtMs) {
          locked = await takeLock(lock, holder, unlock);
          if (!locked) await aWhile();
        }
      } catch (error) {
        // The work is done all the same; `set` tells of it.
        if (!(error instanceof RedisUnavailable)) untold = error;
      }
      try {
        // Whoever has waited finds the token in the pool, by the look that `work` begins with.
        return await work();
      } finally {
        if (locked) unlock();
      }
    },
  };

  async function takeLock(lock: string, holder: string, unlock: () => void): Promise<boolean> {
    let taking: Promise<unknown> | undefined;
    try {
      return (
        (await ask(() => {
          taking = client.set(lock, holder, { PX: LOCK_MS, NX: true });
          return taking;
        })) !== null
      );
    } catch (error) {
      // A Redis that comes round may still do it, when nobody waits for it any more.
      taking?.then(unlock, () => undefined);
      throw error;
    }
  }
}

/** Jittered, so that machines do not look in step. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS * (0.5 + Math.random())));
}

interface Box {
  seal(key: string, token: PooledToken): Promise<string>;
  /** Undefined for what can't be read: it may be of an older version, or of another key. */
  open(key: string, value: string): Promise<PooledToken | undefined>;
}

const plain: Box = {
  seal: async (key, token) => write(key, token),
  open: async (key, value) => read(key, value),
};

function encrypted(option: EncryptionKey | readonly EncryptionKey[]): Box {
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
