import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import RateLimiterRedis from 'rate-limiter-flexible/lib/RateLimiterRedis.js';
import { GuestTokenError, misconfigured } from '../core/errors.ts';
import { sleep } from '../core/sleep.ts';
import { patientScripts } from './patientRedis.ts';

export interface BrokerLimits {
  /** Requests a minute of one visitor. Default: no limit of their own; the pool serves them cheaply. */
  perVisitor?: number | undefined;
  /** Requests a minute from one address. Default: no limit. */
  perIp?: number | undefined;
  /**
   * Proxies of yours before the broker: the address is taken from `X-Forwarded-For`, that many places
   * from its end. Default 0: from the server's own `request.ip`, where it has one.
   */
  trustedProxies?: number | undefined;
  /** New tokens a minute, over all visitors. Default 300, what Genesys allows an access token. */
  upstream?: number | undefined;
  /** Ms that a request for a new token may wait for its turn. Default 2,000. */
  maxWaitMs?: number | undefined;
  /** A client of the package `redis`, so that several machines count together. Default: in memory. */
  redis?: object | undefined;
}

export interface RequestLimits {
  /** @throws GuestTokenError `rate_limited` with `retryAtMs` */
  check(request: Request, externalId: string): Promise<void>;
}

/** Paces calls to Genesys below the organisation's limit. */
export interface UpstreamPacer {
  /**
   * Waits for the turn of one call.
   *
   * @throws GuestTokenError `rate_limited` with `retryAtMs` where too many wait
   */
  turn(): Promise<void>;
}

const MINUTE_S = 60;

interface Rate {
  readonly points: number;
  readonly duration: number;
}

function limiter(limits: BrokerLimits, keyPrefix: string, rate: Rate): RateLimiterAbstract {
  if (!limits.redis) return new RateLimiterMemory({ keyPrefix, ...rate });
  return new RateLimiterRedis({
    storeClient: patientScripts(limits.redis, 'limits.redis'),
    useRedisPackage: true,
    keyPrefix: `react-guest-token:${keyPrefix}`,
    // Redis down: each machine counts for itself.
    insuranceLimiter: new RateLimiterMemory({ keyPrefix, ...rate }),
    ...rate,
  });
}

/** @throws GuestTokenError `misconfigured`, naming the limit */
export function createRequestLimits(limits: BrokerLimits = {}): RequestLimits {
  const { trustedProxies = 0 } = limits;
  if (!Number.isInteger(trustedProxies) || trustedProxies < 0) {
    throw misconfigured('limits.trustedProxies', 'must be a whole number of 0 or more');
  }
  const perVisitor = optional(limits, 'perVisitor', 'visitor');
  const perIp = optional(limits, 'perIp', 'ip');
  return {
    async check(request, externalId) {
      const address = perIp && addressOf(request, trustedProxies);
      if (address) await consume(perIp, address, 'this address');
      if (perVisitor) await consume(perVisitor, externalId, 'this visitor');
    },
  };
}

function optional(
  limits: BrokerLimits,
  name: 'perVisitor' | 'perIp',
  keyPrefix: string,
): RateLimiterAbstract | undefined {
  const points = limits[name];
  if (points === undefined) return undefined;
  assertLimit(name, points);
  return limiter(limits, keyPrefix, { points, duration: MINUTE_S });
}

async function consume(limit: RateLimiterAbstract, key: string, whose: string): Promise<void> {
  try {
    await limit.consume(key);
  } catch (refusal) {
    throw new GuestTokenError('rate_limited', `Too many requests of ${whose}.`, {
      retryAtMs: Date.now() + msBeforeNext(refusal),
      hint: 'Ask again after Retry-After; the client does so by itself.',
    });
  }
}

/** The library rejects with its count; anything else is a store that fails, which costs a second. */
function msBeforeNext(refusal: unknown): number {
  const isCount = typeof refusal === 'object' && refusal !== null && 'msBeforeNext' in refusal;
  return isCount && typeof refusal.msBeforeNext === 'number' ? refusal.msBeforeNext : 1_000;
}

function addressOf(request: Request, trustedProxies: number): string | undefined {
  if (trustedProxies > 0) {
    const hops = request.headers.get('X-Forwarded-For')?.split(',') ?? [];
    return hops.at(-trustedProxies)?.trim();
  }
  return 'ip' in request && typeof request.ip === 'string' ? request.ip : undefined;
}

/** @throws GuestTokenError `misconfigured`, naming the limit */
export function createUpstreamPacer(limits: BrokerLimits = {}): UpstreamPacer {
  const { upstream = 300, maxWaitMs = 2_000 } = limits;
  if (upstream === Number.POSITIVE_INFINITY) return { turn: async () => undefined };
  assertLimit('upstream', upstream);
  const rate = evenRate(upstream);
  const limit = limiter(limits, 'upstream', rate);
  const perMs = rate.points / (rate.duration * 1000);
  const patience = new AbortController().signal;
  let waiting = 0;
  let turnedAway = 0;

  function tooMany(): GuestTokenError {
    turnedAway++;
    // Those who are turned away come back one after the other, not all at once.
    const backInMs = Math.min(maxWaitMs + turnedAway / perMs, 60_000);
    return new GuestTokenError('rate_limited', 'Too many new visitors at once.', {
      retryAtMs: Date.now() + backInMs,
      hint: 'Ask again after Retry-After; the client does so by itself.',
    });
  }

  return {
    async turn() {
      if (waiting >= maxWaitMs * perMs) throw tooMany();
      waiting++;
      try {
        const endsAtMs = Date.now() + maxWaitMs;
        for (;;) {
          try {
            await limit.consume('all');
            turnedAway = Math.max(0, turnedAway - 1);
            return;
          } catch (refusal) {
            const waitMs = Math.max(msBeforeNext(refusal), 10);
            if (Date.now() + waitMs > endsAtMs + rate.duration * 1000) throw tooMany();
            await sleep(waitMs, patience);
          }
        }
      } finally {
        waiting--;
      }
    },
  };
}

/**
 * A rate in short windows such that no 60 s, wherever they begin, hold more than `perMinute` calls:
 * they touch `60 / duration + 1` windows at most.
 */
function evenRate(perMinute: number): Rate {
  for (let duration = 2; duration < 2 * MINUTE_S; duration++) {
    const points = Math.floor(perMinute / (Math.ceil(MINUTE_S / duration) + 1));
    if (points >= 1) return { points, duration };
  }
  return { points: 1, duration: 2 * MINUTE_S };
}

function assertLimit(name: string, perMinute: number): void {
  if (!Number.isInteger(perMinute) || perMinute < 1) {
    throw misconfigured(`limits.${name}`, 'must be a whole number of 1 or more, a minute');
  }
}
