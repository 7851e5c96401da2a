// Redis for tests whose time is faked: one store, and a client for each machine that can lose it.
import type { RedisClient } from '../../src/server/pool/redisTokenPool.ts';

const never = new Promise<never>(() => undefined);

export interface PlayedClient extends RedisClient {
  /** How this machine reaches Redis. */
  state: 'connected' | 'lost' | 'hangs';
  /** Commands that it has sent. */
  sent: number;
}

export function playRedis(): () => PlayedClient {
  const values = new Map<string, { value: string; endsAtMs: number }>();

  function read(key: string): string | null {
    const found = values.get(key);
    return found && found.endsAtMs > Date.now() ? found.value : null;
  }

  return function connect(): PlayedClient {
    function reach<Result>(work: () => Result): Promise<Result> {
      client.sent++;
      if (client.state === 'hangs') return never;
      if (client.state === 'lost') return Promise.reject(new Error('The connection is lost.'));
      return Promise.resolve(work());
    }
    const client: PlayedClient = {
      state: 'connected',
      sent: 0,
      get: (key) => reach(() => read(key)),
      set: (key, value, { PX, NX }) =>
        reach(() => {
          if (NX && read(key) !== null) return null;
          values.set(key, { value, endsAtMs: Date.now() + PX });
          return 'OK';
        }),
      del: (key) => reach(() => values.delete(key)),
      // The scripts of the lock: give it back, or (with a time) keep it.
      eval: (_script, { keys: [key = ''], arguments: [holder, leaseMs] }) =>
        reach(() => {
          if (read(key) !== holder) return null;
          if (leaseMs === undefined) return values.delete(key);
          return values.set(key, { value: holder ?? '', endsAtMs: Date.now() + Number(leaseMs) });
        }),
    };
    return client;
  };
}
