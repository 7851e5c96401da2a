import { misconfigured } from '../../core/errors.ts';
import { redisWithTimeout } from '../redisWithTimeout.ts';
import type { BrokerLimits } from './brokerLimits.ts';

/** Runs a Lua script on keys of one slot. Rejects within 250 ms while Redis is away. */
export type RunScript = (
  script: string,
  keys: readonly string[],
  args: readonly (number | string)[],
) => Promise<unknown>;

/**
 * Undefined without Redis.
 *
 * @throws GuestTokenError `misconfigured`, naming the limit
 */
export function redisScripts({ redis, prefix }: BrokerLimits): RunScript | undefined {
  if (redis === undefined) return undefined;
  if (redis === null || !('eval' in redis) || typeof redis.eval !== 'function') {
    throw misconfigured('limits.redis', 'must be a client of the package redis');
  }
  const ask = redisWithTimeout(redis);
  const run = redis.eval.bind(redis);
  return (script, keys, args) =>
    ask(() =>
      run(script, {
        keys: keys.map((key) => `${prefix ?? DEFAULT_PREFIX}${key}`),
        arguments: args.map(String),
      }),
    );
}

const DEFAULT_PREFIX = 'react-guest-token:';
