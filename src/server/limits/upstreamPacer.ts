import { assertDuration } from '../../core/retryPolicy.ts';
import { assertRate, type BrokerLimits } from './brokerLimits.ts';
import { createCallPlaces } from './callPlaces.ts';
import { createCallQueue } from './callQueue.ts';
import { WINDOW_MS } from './callWindow.ts';
import { createComeBack } from './comeBack.ts';
import { redisScripts } from './redisScripts.ts';
import { sharedCallWindow } from './sharedCallWindow.ts';
import { type Emit, tooMany } from './tooMany.ts';

/** Waits until one more call may be made, and counts it. */
export type Turn = () => Promise<void>;

/** Keeps the calls to Genesys below the organisation's limit. */
export interface UpstreamPacer {
  /**
   * Runs `work` as soon as it may make one call; each `turn` within it waits for one more.
   *
   * @param who whose call it is: none of them gets more of the limit than it leaves free
   *
   * @throws LimitExceeded with `retryAtMs`, where no call can be made within `maxWaitMs`
   */
  run<Result>(who: string, work: (turn: Turn) => Promise<Result>): Promise<Result>;
  /** Runs `work` at once; each `turn` within it waits for a call, before those for new tokens. */
  runAtOnce<Result>(work: (turn: Turn) => Promise<Result>): Promise<Result>;
}

const unpaced: UpstreamPacer = {
  run: (_who, work) => work(async () => undefined),
  runAtOnce: (work) => work(async () => undefined),
};

/** Whose the calls are that no visitor has asked for. */
const NOBODY = '';

/**
 * @param scope names the organisation, whose limit it is
 *
 * @throws GuestTokenError `misconfigured`, naming the limit
 */
export function createUpstreamPacer(
  limits: BrokerLimits,
  emit: Emit,
  scope: string,
): UpstreamPacer {
  const { upstream = 300, maxWaitMs = 2_000 } = limits;
  assertDuration('limits.maxWaitMs', maxWaitMs);
  if (upstream === Number.POSITIVE_INFINITY) return unpaced;
  assertRate('upstream', upstream);
  const run = redisScripts(limits);
  const shared = run && sharedCallWindow(upstream, scope, run);
  const enqueue = createCallQueue({
    places: createCallPlaces(upstream, maxWaitMs, shared),
    maxWaitMs,
    // as many as may go, and as many as may follow them in a minute
    maxLength: 2 * upstream,
    onWaiting: (waiting) => emit({ type: 'upstream-queue', waiting }),
  });
  const comeBackMs = createComeBack(WINDOW_MS / upstream);

  function wait(who: string, isFurther: boolean): Promise<() => void> {
    return new Promise((admit, reject) => {
      const refuse = (nextMs: number): void =>
        reject(tooMany(emit, 'upstream', comeBackMs(who, Math.max(nextMs, maxWaitMs))));
      enqueue({ who, isFurther, admit, refuse });
    });
  }

  async function runWith<Result>(
    who: string,
    ends: (() => void)[],
    work: (turn: Turn) => Promise<Result>,
  ): Promise<Result> {
    let isOver = false;
    async function turn(): Promise<void> {
      const end = await wait(who, true);
      if (isOver) end();
      else ends.push(end);
    }
    try {
      return await work(turn);
    } finally {
      isOver = true;
      for (const end of ends) end();
    }
  }

  return {
    run: async (who, work) => runWith(who, [await wait(who, false)], work),
    runAtOnce: (work) => runWith(NOBODY, [], work),
  };
}
