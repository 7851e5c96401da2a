import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import RateLimiterRedis from 'rate-limiter-flexible/lib/RateLimiterRedis.js';
import type { GuestTokenError } from '../../core/errors.ts';
import { assertDuration } from '../../core/retryPolicy.ts';
import { sleep } from '../../core/waits.ts';
import { scriptsWithTimeout } from '../redisWithTimeout.ts';
import { assertRate, type BrokerLimits } from './brokerLimits.ts';
import { type Emit, tooMany } from './tooMany.ts';

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

/** The library rejects with its count; anything else is a store that fails, which costs a second. */
function msBeforeNext(refusal: unknown): number {
  const isCount = typeof refusal === 'object' && refusal !== null && 'msBeforeNext' in refusal;
  return isCount && typeof refusal.msBeforeNext === 'number' ? refusal.msBeforeNext : 1_000;
}

/** Whoever is turned away is told to come back within this: longer than that our client does not wait in silence. */
const MAX_BACK_MS = 60_000;

/** @throws GuestTokenError `misconfigured`, naming the limit */
export function createUpstreamPacer(limits: BrokerLimits, emit: Emit): UpstreamPacer {
  const { upstream = 300, maxWaitMs = 2_000 } = limits;
  assertDuration('limits.maxWaitMs', maxWaitMs);
  if (upstream === Number.POSITIVE_INFINITY) return { turn: async () => undefined };
  assertRate('upstream', upstream);
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
    return tooMany(emit, 'upstream', backInMs);
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
