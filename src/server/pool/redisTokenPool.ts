import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';
import { RedisUnavailable, redisWithTimeout } from '../redisWithTimeout.ts';
import { nowMs } from '../serverClock.ts';
import { createOwnCopies } from './ownCopies.ts';
import { takeRedisLock, type Unlock } from './redisLock.ts';
import { createTokenBox, type EncryptionKey } from './tokenBox.ts';
import { type TokenPool, UnreadableToken } from './tokenPool.ts';

/** The part of the package `redis`' client that the pool uses. */
export interface RedisClient {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, options: { PX: number; NX?: true }): Promise<unknown>;
  del(key: string): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

export interface RedisTokenPoolOptions {
  /**
   * 32 bytes, or a passphrase of 32 characters or more: tokens are encrypted with it. Several for
   * rotation: the first one encrypts, all decrypt. Default: not encrypted.
   */
  encryptionKey?: EncryptionKey | readonly EncryptionKey[] | undefined;
  /** Default `react-guest-token:`. */
  prefix?: string | undefined;
}

/** How often it is told that something can't be decrypted: it may be so for each visitor. */
const TELL_UNREADABLE_EVERY_MS = 60_000;

/**
 * A pool that several machines share, on a connected client of the package `redis`. While Redis is
 * down or slow each machine serves from its own memory, and tells so once a second. Of what another
 * machine's sign-out has made it forget it serves nothing longer than five minutes after.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function redisTokenPool(
  client: RedisClient,
  options: RedisTokenPoolOptions = {},
): TokenPool {
  const { prefix = 'react-guest-token:' } = options;
  const box = createTokenBox(options.encryptionKey);
  const ask = redisWithTimeout(client);
  const own = createOwnCopies();
  let untold: unknown;
  let nextUnreadable: Deadline | undefined;

  /** @throws UnreadableToken once a minute; in between it is just missing */
  function unreadable(): undefined {
    if (nextUnreadable !== undefined && untilMs(nextUnreadable) > 0) return;
    nextUnreadable = deadlineIn(TELL_UNREADABLE_EVERY_MS);
    throw new UnreadableToken('A token in Redis can not be read.');
  }

  return {
    prefix,
    async get(key) {
      let value: unknown;
      try {
        value = await ask(() => client.get(prefix + key));
      } catch (error) {
        if (error instanceof RedisUnavailable) return own.get(key);
        throw error;
      }
      const token = typeof value === 'string' ? await box.open(key, value) : undefined;
      if (token) own.keep(key, token);
      else own.forget(key);
      return token ?? (typeof value === 'string' ? unreadable() : undefined);
    },
    async set(key, token) {
      own.keep(key, token);
      const leftMs = Math.max(1, Math.ceil(token.keepUntilMs - nowMs()));
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
      own.forget(key);
      await ask(() => client.del(prefix + key));
    },
    async exclusively(key, work) {
      let unlock: Unlock | undefined;
      try {
        unlock = await takeRedisLock(client, ask, `${prefix}lock:${key}`);
      } catch (error) {
        // The work is done all the same; `set` tells of it.
        if (!(error instanceof RedisUnavailable)) untold = error;
      }
      try {
        // Whoever has waited finds the token in the pool, by the look that `work` begins with.
        return await work();
      } finally {
        unlock?.();
      }
    },
  };
}
