import { LRUCache } from 'lru-cache';
import { toGuestTokenError } from '../../core/classify.ts';
import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';
import { GuestTokenError, type GuestTokenErrorCode } from '../../core/errors.ts';
import { withJitter } from '../../core/retryPolicy.ts';
import type { BrokerEvent } from '../events.ts';
import { LimitExceeded } from '../limits/tooMany.ts';
import type { ProblemReason } from '../problem.ts';

/** Failures in a row that leave little doubt, of so many visitors: one of them alone may be the reason. */
const FAILURES = 5;
const VISITORS = 3;

/** How long Genesys is left alone then; one call tries it after that. */
const OPEN_MS = 10_000;

/** Longer than that call can take. */
const TRIAL_MS = 10_000;

/** A 429 of a daily limit, or of a proxy that exaggerates, is tried again after this. */
const MAX_PAUSE_MS = 300_000;

/** A pause that ends less than this after the one that is known is no news. */
const SAME_PAUSE_MS = 1_000;

/** Channels that fail at the same time; a browser may invent them. */
const MAX_CHANNELS = 1_000;

/** Every other failure is an answer, so Genesys is there. */
const isNoAnswer = ({ code, retryAtMs }: GuestTokenError): boolean =>
  ['unavailable', 'unreachable', 'timed_out', 'aborted'].includes(code) ||
  (code === 'rate_limited' && retryAtMs === undefined);

/** Whose call it is. */
export interface Caller {
  readonly externalId: string;
  readonly channelId: string;
}

export interface Circuit {
  /** @throws GuestTokenError with `retryAtMs`, while the circuit is open for that channel */
  check(channelId: string): void;
  /**
   * @throws GuestTokenError what `work` throws; at once, with `retryAtMs`, while the circuit is open for
   *   that channel
   */
  run<Result>(caller: Caller, work: () => Promise<Result>): Promise<Result>;
}

/** What went wrong in one channel since its last answer. */
interface Failures {
  count: number;
  readonly visitors: Set<string>;
  /** Undefined: never opened. */
  ends: Deadline | undefined;
}

/**
 * Spares an upstream that fails, or has said when to come back, and the visitors who would wait for
 * it. Failures count for one channel each, and a visitor alone can't open it; a pause that Genesys
 * asks for is for all.
 */
export function createCircuit(emit: (event: BrokerEvent) => void): Circuit {
  const channels = new LRUCache<string, Failures>({ max: MAX_CHANNELS });
  let pauseEnds: Deadline | undefined;

  function opened(leftMs: number, channelId: string | undefined): Deadline {
    emit({ type: 'circuit-opened', untilMs: Date.now() + leftMs, channelId });
    return deadlineIn(leftMs);
  }

  function answered(channelId: string): void {
    const isClosing = channels.get(channelId)?.ends !== undefined;
    channels.delete(channelId);
    if (isClosing) emit({ type: 'circuit-closed', channelId });
  }

  function pause(retryAtMs: number): void {
    const leftMs = Math.min(retryAtMs - Date.now(), MAX_PAUSE_MS);
    // Calls that were under way together are told the same.
    if (leftMs > Math.max(untilMs(pauseEnds) + SAME_PAUSE_MS, 0)) {
      pauseEnds = opened(leftMs, undefined);
    }
  }

  function failed(
    { channelId, externalId }: Caller,
    error: GuestTokenError,
    isTrial: boolean,
  ): void {
    if (!isNoAnswer(error)) {
      answered(channelId);
      if (error.code === 'rate_limited') pause(error.retryAtMs ?? 0);
      return;
    }
    const failures = channels.get(channelId) ?? { count: 0, visitors: new Set(), ends: undefined };
    channels.set(channelId, failures);
    failures.count++;
    if (failures.visitors.size < VISITORS) failures.visitors.add(externalId);
    const isEnough = failures.count >= FAILURES && failures.visitors.size >= VISITORS;
    // Not for those that were under way when it opened.
    if (isTrial || (isEnough && failures.ends === undefined)) {
      failures.ends = opened(withJitter(OPEN_MS), channelId);
    }
  }

  function refuse(code: GuestTokenErrorCode, leftMs: number): never {
    throw new GuestTokenError(code, 'Genesys is left alone after it failed or asked for a pause.', {
      // jittered, so that those who are sent away do not come back together
      retryAtMs: Date.now() + withJitter(leftMs),
      reason: 'circuit_open' satisfies ProblemReason,
      hint: 'The next request after that time tries it again.',
    });
  }

  function check(channelId: string): void {
    const pausedMs = untilMs(pauseEnds);
    if (pauseEnds !== undefined && pausedMs > 0) refuse('rate_limited', pausedMs);
    const ends = channels.get(channelId)?.ends;
    if (ends !== undefined && untilMs(ends) > 0) refuse('unavailable', untilMs(ends));
  }

  return {
    check,
    async run(caller, work) {
      check(caller.channelId);
      const failures = channels.get(caller.channelId);
      const isTrial = failures?.ends !== undefined;
      if (failures && isTrial) failures.ends = deadlineIn(TRIAL_MS);
      try {
        const result = await work();
        answered(caller.channelId);
        return result;
      } catch (thrown) {
        const error = toGuestTokenError(thrown, 'The issuer');
        // A limit of the broker's own says nothing about Genesys.
        if (!(error instanceof LimitExceeded)) failed(caller, error, isTrial);
        throw error;
      }
    },
  };
}
