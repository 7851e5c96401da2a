import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import RateLimiterRedis from 'rate-limiter-flexible/lib/RateLimiterRedis.js';
import { GuestTokenError, misconfigured } from '../../core/errors.ts';
import { assertDuration } from '../../core/retryPolicy.ts';
import { sleep } from '../../core/waits.ts';
import type { BrokerEvent } from '../events.ts';
import { createHashedKeys } from '../hashedKeys.ts';
import { scriptsWithTimeout } from '../redisWithTimeout.ts';

export interface BrokerLimits {
  /** Requests a minute of one visitor. Default: no limit of their own; the pool serves them cheaply. */
  perVisitor?: number | undefined;
  /** Requests a minute from one address. Default: no limit. */
  perIp?: number | undefined;
  /**
   * Proxies of yours before the broker: the address is taken from `X-Forwarded-For`, that many places
   * from its end. Default 0: from the server's own `request.ip`. Requests without either are not
   * limited by address; the event `address-unknown` says so.
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
    storeClient: scriptsWithTimeout(limits.redis, 'limits.redis'),
    useRedisPackage: true,
    keyPrefix: `react-guest-token:${keyPrefix}`,
    // Redis down: each machine counts for itself.
    insuranceLimiter: new RateLimiterMemory({ keyPrefix, ...rate }),
    ...rate,
  });
}

type Emit = (event: BrokerEvent) => void;

const unheard: Emit = () => undefined;

/** @throws GuestTokenError `misconfigured`, naming the limit */
export function createRequestLimits(limits: BrokerLimits = {}, emit = unheard): RequestLimits {
  const { trustedProxies = 0 } = limits;
  if (!Number.isInteger(trustedProxies) || trustedProxies < 0) {
    throw misconfigured('limits.trustedProxies', 'must be a whole number of 0 or more');
  }
  const perVisitor = optional(limits, 'perVisitor', 'visitor');
  const perIp = optional(limits, 'perIp', 'ip');
  const keyOf = createHashedKeys();
  let saidUnknown = false;

  async function consume(
    limit: 'visitor' | 'ip',
    counter: RateLimiterAbstract,
    key: string,
  ): Promise<void> {
    try {
      // hashed, since what is in Redis should name nobody
      await counter.consume(await keyOf(key));
    } catch (refusal) {
      const whose = limit === 'ip' ? 'this address' : 'this visitor';
      throw refused(emit, limit, `Too many requests of ${whose}.`, msBeforeNext(refusal));
    }
  }

  return {
    async check(request, externalId) {
      if (perIp) {
        const address = addressOf(request, trustedProxies);
        if (address) await consume('ip', perIp, address);
        else if (!saidUnknown) {
          saidUnknown = true;
          emit({ type: 'address-unknown' });
        }
      }
      if (perVisitor) await consume('visitor', perVisitor, externalId);
    },
  };
}

function refused(
  emit: Emit,
  limit: 'visitor' | 'ip' | 'upstream',
  message: string,
  backInMs: number,
): GuestTokenError {
  const retryAtMs = Date.now() + backInMs;
  emit({ type: 'limited', limit, retryAtMs });
  return new GuestTokenError('rate_limited', message, {
    retryAtMs,
    hint: 'Ask again after Retry-After; the client does so by itself.',
  });
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

/** The library rejects with its count; anything else is a store that fails, which costs a second. */
function msBeforeNext(refusal: unknown): number {
  const isCount = typeof refusal === 'object' && refusal !== null && 'msBeforeNext' in refusal;
  return isCount && typeof refusal.msBeforeNext === 'number' ? refusal.msBeforeNext : 1_000;
}

function addressOf(request: Request, trustedProxies: number): string | undefined {
  if (trustedProxies > 0) {
    const hops = request.headers.get('X-Forwarded-For')?.split(',') ?? [];
    const hop = withoutPort(hops.at(-trustedProxies)?.trim() ?? '');
    if (hop) return hop;
  }
  return 'ip' in request && typeof request.ip === 'string' ? request.ip : undefined;
}

/** Some proxies add the port, which is another one for each connection. */
function withoutPort(hop: string): string {
  return hop.replace(/^([\d.]+):\d+$/, '$1').replace(/^\[(.*)\](:\d+)?$/, '$1');
}

/** Whoever is turned away is told to come back within this: longer than that our client does not wait in silence. */
const MAX_BACK_MS = 60_000;

/** @throws GuestTokenError `misconfigured`, naming the limit */
export function createUpstreamPacer(limits: BrokerLimits = {}, emit = unheard): UpstreamPacer {
  const { upstream = 300, maxWaitMs = 2_000 } = limits;
  assertDuration('limits.maxWaitMs', maxWaitMs);
  if (upstream === Number.POSITIVE_INFINITY) return { turn: async () => undefined };
  assertLimit('upstream', upstream);
  const rate = evenRate(upstream);
  const limit = limiter(limits, 'upstream', rate);
  const eachMs = (rate.duration * 1000) / rate.points;
  const patience = new AbortController().signal;
  let waiting = 0;
  let nextBackAtMs = 0;

  /** Those who are turned away come back one after the other; more than fit in a minute, at random. */
  function turnedAway(): GuestTokenError {
    const nowMs = Date.now();
    const bookedAtMs = Math.max(nextBackAtMs, nowMs + maxWaitMs) + eachMs;
    nextBackAtMs = Math.min(bookedAtMs, nowMs + MAX_BACK_MS);
    const backInMs =
      nextBackAtMs === bookedAtMs ? bookedAtMs - nowMs : MAX_BACK_MS * (0.5 + Math.random() / 2);
    return refused(emit, 'upstream', 'Too many new visitors at once.', backInMs);
  }

  /** 0, or the ms until the next try makes sense. */
  async function take(): Promise<number> {
    try {
      await limit.consume('all');
      return 0;
    } catch (refusal) {
      return Math.max(1, msBeforeNext(refusal));
    }
  }

  return {
    async turn() {
      const endsAtMs = Date.now() + maxWaitMs;
      for (;;) {
        const waitMs = await take();
        if (waitMs === 0) return;
        // No more than can have their turn by then.
        const isFull = waiting >= Math.floor(maxWaitMs / eachMs);
        if (isFull || Date.now() + waitMs > endsAtMs) throw turnedAway();
        waiting++;
        await sleep(waitMs, patience);
        waiting--;
      }
    },
  };
}

/** Short windows keep the queue moving, long ones waste less of the limit; so much may be wasted. */
const GOOD_USE = 0.8;

/**
 * A rate in short windows such that no 60 s, wherever they begin, hold more than `perMinute` calls:
 * they touch `60 / duration + 1` windows at most.
 */
function evenRate(perMinute: number): Rate {
  let best: Rate = { points: 1, duration: 2 * MINUTE_S };
  for (let duration = 2; duration <= MINUTE_S; duration++) {
    const points = Math.floor(perMinute / (Math.ceil(MINUTE_S / duration) + 1));
    if (points / duration > best.points / best.duration) best = { points, duration };
    if (points / duration >= (GOOD_USE * perMinute) / MINUTE_S) break;
  }
  return best;
}

function assertLimit(name: string, perMinute: number): void {
  if (!Number.isInteger(perMinute) || perMinute < 1) {
    throw misconfigured(`limits.${name}`, 'must be a whole number of 1 or more, a minute');
  }
}
