import { type RedisTokenPoolOptions, redisTokenPool } from '../server/pool/redisTokenPool.ts';
import type { TokenPool } from '../server/pool/tokenPool.ts';
import { UsageError } from './settings/readSettings.ts';

export interface SharedRedis {
  readonly pool: TokenPool;
  /** For limits that several machines count together. */
  readonly client: object;
  /** Whether it can be used at this moment. */
  isReady(): boolean;
}

/**
 * A Redis for pool and limits. Does not wait for the connection: the broker serves without it too.
 *
 * @param onChange told when the connection comes and goes; `problem` is a code, since a message may name the URL
 *
 * @throws UsageError where the package `redis` is missing, or the URL is none
 */
export async function openRedis(
  url: string,
  options: RedisTokenPoolOptions,
  onChange: (state: { ready: boolean; problem?: string }) => void,
): Promise<SharedRedis> {
  const { createClient } = await import('redis').catch(() => {
    throw new UsageError(
      'REDIS_URL is set, but the package redis is missing: install it beside this one (npm install redis).',
    );
  });
  const client = orUsageError(() => createClient({ url }));
  let known: boolean | undefined;
  const tell = (ready: boolean, problem?: string): void => {
    if (known === ready) return;
    known = ready;
    onChange({ ready, ...(problem !== undefined && { problem }) });
  };
  client.on('ready', () => tell(true));
  client.on('error', (error: unknown) => tell(false, codeOf(error)));
  client.connect().catch(() => undefined);
  return { pool: redisTokenPool(client, options), client, isReady: () => client.isReady };
}

function orUsageError<Result>(work: () => Result): Result {
  try {
    return work();
  } catch {
    throw new UsageError('REDIS_URL must be a URL such as redis://127.0.0.1:6379.');
  }
}

function codeOf(error: unknown): string {
  const { code, name }: { code?: unknown; name?: unknown } = Object(error);
  return String(code ?? name ?? 'error');
}
