import { CompactEncrypt, compactDecrypt } from 'jose';
import { misconfigured } from '../core/errors.ts';
import { withTimeout } from '../core/tokenSource.ts';
import { memoryTokenPool, type PooledToken, type TokenPool } from './tokenPool.ts';

/** The part of the package `redis`' client that the pool uses. */
export interface RedisClient {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: { PX: number; NX?: true }): Promise<unknown>;
  del(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

export interface RedisTokenPoolOptions {
  /** 32 bytes, or a passphrase of 32 characters or more: tokens are encrypted with it. Default: not. */
  encryptionKey?: Uint8Array | string | undefined;
  /** Default `react-guest-token:`. */
  prefix?: string | undefined;
}

/** A Redis that does not answer in this time is not waited for. */
const PATIENCE_MS = 250;

/** After a failure Redis is left out for so long, so that an outage costs no request much. */
const REST_MS = 1_000;

/** Longer than an upstream call ever takes; a machine that dies gives its lock back after this. */
const LOCK_MS = 12_000;

/** How often a machine looks whether another one has got the token. */
const LOOK_EVERY_MS = 40;

/** Deletes the lock of this machine, and not the one that another has taken since. */
const UNLOCK =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end";

/**
 * A pool that several machines share, on a connected client of the package `redis`. While Redis is
 * down or slow each machine serves from its own memory.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function redisTokenPool(
  client: RedisClient,
  options: RedisTokenPoolOptions = {},
): TokenPool {
  const { prefix = 'react-guest-token:' } = options;
  const box = options.encryptionKey === undefined ? plain : encrypted(options.encryptionKey);
  const own = memoryTokenPool();
  let outUntilMs = 0;

  /** @throws Error while Redis is out of reach */
  async function ask<Result>(command: () => Promise<Result>): Promise<Result> {
    if (outUntilMs > Date.now()) throw new Error('Redis is out of reach.');
    try {
      return await withTimeout(PATIENCE_MS, new AbortController().signal, 'Redis', command);
    } catch (error) {
      outUntilMs = Date.now() + REST_MS;
      throw error;
    }
  }

  async function get(key: string): Promise<PooledToken | undefined> {
    const value = await ask(() => client.get(prefix + key));
    return typeof value === 'string' ? box.open(value) : undefined;
  }

  return {
    async get(key) {
      try {
        return await get(key);
      } catch (error) {
        const kept = await own.get(key);
        if (kept) return kept;
        throw error;
      }
    },
    async set(key, token) {
      await own.set(key, token);
      const leftMs = Math.max(1, Math.ceil(token.keepUntilMs - Date.now()));
      const value = await box.seal(token);
      await ask(() => client.set(prefix + key, value, { PX: leftMs }));
    },
    async delete(key) {
      await own.delete(key);
      await ask(() => client.del(prefix + key));
    },
    async exclusively(key, work) {
      const lock = `${prefix}lock:${key}`;
      const holder = crypto.randomUUID();
      const locked = await takeLock(() =>
        ask(() => client.set(lock, holder, { PX: LOCK_MS, NX: true })),
      );
      try {
        // Whoever has waited finds the token in the pool, by the look that `work` begins with.
        return await work();
      } finally {
        if (locked) {
          const keys = { keys: [lock], arguments: [holder] };
          await ask(() => client.eval(UNLOCK, keys)).catch(() => undefined);
        }
      }
    },
  };
}

/** Waits for a lock; false where Redis fails meanwhile, or whoever holds it takes too long. */
async function takeLock(tryOnce: () => Promise<unknown>): Promise<boolean> {
  const endsAtMs = Date.now() + LOCK_MS;
  while (Date.now() < endsAtMs) {
    try {
      if ((await tryOnce()) !== null) return true;
    } catch {
      return false;
    }
    // jittered, so that machines do not look in step
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS * (0.5 + Math.random())));
  }
  return false;
}

interface Box {
  seal(token: PooledToken): Promise<string>;
  /** Undefined for what can't be read: it may be of an older version, or of another key. */
  open(value: string): Promise<PooledToken | undefined>;
}

const plain: Box = {
  seal: async (token) => JSON.stringify(token),
  open: async (value) => read(value),
};

function encrypted(encryptionKey: Uint8Array | string): Box {
  if (
    encryptionKey.length < 32 ||
    (typeof encryptionKey !== 'string' && encryptionKey.length !== 32)
  ) {
    throw misconfigured('encryptionKey', 'must be 32 bytes, or a string of 32 characters or more');
  }
  const key =
    typeof encryptionKey === 'string'
      ? crypto.subtle
          .digest('SHA-256', new TextEncoder().encode(encryptionKey))
          .then((hash) => new Uint8Array(hash))
      : Promise.resolve(encryptionKey);
  return {
    async seal(token) {
      const text = new TextEncoder().encode(JSON.stringify(token));
      const header = { alg: 'dir', enc: 'A256GCM' };
      return new CompactEncrypt(text).setProtectedHeader(header).encrypt(await key);
    },
    async open(value) {
      try {
        const { plaintext } = await compactDecrypt(value, await key);
        return read(new TextDecoder().decode(plaintext));
      } catch {
        return undefined;
      }
    },
  };
}

function read(text: string): PooledToken | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPooledToken(value) ? value : undefined;
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
