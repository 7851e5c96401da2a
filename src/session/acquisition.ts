import { acquire } from '../core/acquire.ts';
import { type Instant, readClock } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { readSuccessor } from '../core/successor.ts';
import { ATTEMPT_TIMEOUT_MS } from '../core/tokenSource.ts';
import { sleep, unlessAborted, withTimeout } from '../core/waits.ts';
import type { CheckedConfig } from './settings.ts';
import type { AcquisitionEvent } from './state.ts';
import type { Tabs } from './tabs.ts';
import { isOnline } from './wakeUps.ts';

export interface AcquisitionPlan {
  readonly externalId: string;
  readonly settings: CheckedConfig;
  /** A replacement is wanted, not a token that was handed out before. */
  readonly fresh: boolean;
  /** The token of another tab will do; that tab's own is older. */
  readonly mayShare: boolean;
  /** That token has to be newer than this one; undefined: any will do. */
  readonly newerThan: GuestToken | undefined;
  /** The latest token, in hand or over. */
  readonly previous: GuestToken | undefined;
  readonly wasRejected: boolean;
  /** Attempts that failed just before, of an acquisition that was aborted. */
  readonly failedAttempts: number;
  readonly tabs: Tabs | undefined;
  /** Ms until a pause is over that began before this acquisition; 0 or less: there is none. */
  readonly pausedForMs: () => number;
  /** Ms until the request budget has room for one more request; 0 or less: now. */
  readonly overBudgetForMs: () => number;
  readonly onEvent: (event: AcquisitionEvent) => void;
}

/** One acquisition: the attempts and waits until there is a token, for any number of callers. */
export class Acquisition {
  #isFresh: boolean;
  #lastWasFresh = true;
  readonly #plan: AcquisitionPlan;
  readonly #ended = new AbortController();
  #wait = new AbortController();

  constructor(plan: AcquisitionPlan) {
    this.#plan = plan;
    this.#isFresh = plan.fresh;
  }

  get isAborted(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Makes the attempts that follow ask for a new token. */
  makeFresh(): void {
    this.#isFresh = true;
  }

  /** Whether the latest request, if there was one, asked for a new token. */
  get lastWasFresh(): boolean {
    return this.#lastWasFresh;
  }

  abort(reason: GuestTokenError): void {
    this.#ended.abort(reason);
  }

  /** Makes the next attempt now. */
  endWait(): void {
    this.#wait.abort();
  }

  /** @throws GuestTokenError the last attempt's, or the reason of `abort` */
  run(): Promise<GuestToken> {
    const { tabs, mayShare, newerThan } = this.#plan;
    const { signal } = this.#ended;
    const work = (): Promise<GuestToken> => this.#attempts(signal);
    return unlessAborted(signal, () =>
      tabs ? tabs.exclusively(signal, mayShare, newerThan, work) : work(),
    );
  }

  #attempts(signal: AbortSignal): Promise<GuestToken> {
    const { externalId, settings, failedAttempts, onEvent } = this.#plan;
    const { source, retry, channelId, attributes } = settings;
    return acquire(
      retry,
      async (attempt) => {
        await this.#untilAllowed(signal);
        onEvent({ type: 'request-sent', attempt, fresh: this.#isFresh });
      },
      async (attempt, refused) => {
        const requestedAt = readClock();
        const request = { externalId, channelId, attributes, fresh: this.#isFresh };
        this.#lastWasFresh = this.#isFresh;
        const reply = await withTimeout(ATTEMPT_TIMEOUT_MS, signal, 'The source', (limited) =>
          source(request, { signal: limited, refused }),
        );
        const token = this.#read(reply, requestedAt);
        // Told from here, so that the other tabs hear of it before one of them gets the lock.
        if (!signal.aborted) onEvent({ type: 'token-acquired', attempt, token });
        return token;
      },
      async (attempt, error, delayMs) => {
        signal.throwIfAborted();
        onEvent({ type: 'attempt-failed', attempt, error, delayMs });
        await this.#pause(delayMs, signal);
      },
      failedAttempts,
    );
  }

  /** Waits for the end of a pause and for the network. No request leaves before. */
  async #untilAllowed(signal: AbortSignal): Promise<void> {
    const { pausedForMs, overBudgetForMs, onEvent } = this.#plan;
    const pausedMs = pausedForMs();
    if (pausedMs > 0) await this.#pause(pausedMs, signal);
    if (!isOnline()) {
      const error = offline();
      onEvent({ type: 'attempt-postponed', error, delayMs: ATTEMPT_TIMEOUT_MS });
      await this.#pause(ATTEMPT_TIMEOUT_MS, signal);
      if (!isOnline()) throw error;
    }
    signal.throwIfAborted();
    const delayMs = overBudgetForMs();
    if (delayMs > 0) {
      const error = overBudget(delayMs);
      onEvent({ type: 'attempt-postponed', error, delayMs });
      throw error;
    }
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    this.#wait = new AbortController();
    const stop = (): void => this.#wait.abort();
    signal.addEventListener('abort', stop);
    await sleep(delayMs, this.#wait.signal);
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
    this.#plan.onEvent({ type: 'pause-elapsed' });
  }

  #read(reply: unknown, requestedAt: Instant): GuestToken {
    const { previous, wasRejected, settings } = this.#plan;
    return readSuccessor(reply, previous, wasRejected, { ...settings, requestedAt });
  }
}

function offline(): GuestTokenError {
  return new GuestTokenError('unreachable', 'The page is offline.');
}

function overBudget(waitMs: number): GuestTokenError {
  return new GuestTokenError('rate_limited', 'The source was asked 10 times in a minute.', {
    retryAtMs: Date.now() + waitMs,
  });
}
