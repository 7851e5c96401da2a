// Several machines of one shop: brokers that share a Redis, in front of one Genesys.

import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import {
  createGuestTokenBroker,
  type GuestTokenBroker,
} from '../../src/server/createGuestTokenBroker.ts';
import type { BrokerEvent } from '../../src/server/events.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import type { BrokerLimits } from '../../src/server/limits/brokerLimits.ts';
import {
  type RedisClient,
  type RedisTokenPoolOptions,
  redisTokenPool,
} from '../../src/server/pool/redisTokenPool.ts';

export interface Machine {
  /** What a browser of this visitor gets from this machine. */
  ask(externalId: string, options?: { fresh?: boolean }): Promise<Answer>;
  readonly broker: GuestTokenBroker;
  readonly events: readonly BrokerEvent[];
}

interface Answer {
  readonly status: number;
  readonly token: string | undefined;
  readonly code: string | undefined;
  readonly retryAfterSeconds: number;
}

/** Genesys, without the limit that it has by default. */
export const genesys = (lifeSeconds = 3600): SandboxCloud =>
  createSandboxCloud({ requestsPerMinute: 1_000_000, tokenLifeSeconds: lifeSeconds });

export function machine(
  sandbox: SandboxCloud,
  redis: RedisClient,
  options: RedisTokenPoolOptions & { limits?: BrokerLimits },
): Machine {
  const { limits = { upstream: Number.POSITIVE_INFINITY }, ...pool } = options;
  const { clientId, clientSecret } = sandbox;
  const events: BrokerEvent[] = [];
  const broker = createGuestTokenBroker({
    issuer: webchatVisitors({ clientId, clientSecret, fetch: sandbox.fetch }),
    authorize: async ({ headers }) => ({ externalId: headers.get('X-Visitor') ?? '' }),
    pool: redisTokenPool(redis, pool),
    limits,
    onEvent: (event) => events.push(event),
  });
  return {
    broker,
    events,
    async ask(externalId, { fresh = false } = {}) {
      const response = await broker(
        new Request('https://shop.example/api/guest-token', {
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            'X-Visitor': externalId,
            ...(fresh && { 'Cache-Control': 'no-cache' }),
          },
          body: '{}',
        }),
      );
      const { token, code } = await response.json();
      const retryAfterSeconds = Number(response.headers.get('Retry-After') ?? 0);
      return { status: response.status, token, code, retryAfterSeconds };
    },
  };
}
