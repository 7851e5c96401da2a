import { acquire } from '../core/acquire.ts';
import { type Instant, readClock } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { readSuccessor } from '../core/successor.ts';
import { ATTEMPT_TIMEOUT_MS } from '../core/tokenSource.ts';
import { sleep, unlessAborted, withTimeout } from '../core/waits.ts';
import { type SessionState, tokenToReplace } from './state.ts';
import type { SessionStore } from './store.ts';
import type { Tabs } from './tabs.ts';
import { overBudgetForMs, pausedForMs } from './throttle.ts';
import { isOnline } from './wakeUps.ts';

export interface AcquisitionOptions {
  readonly store: SessionStore;
  readonly tabs: Tabs | undefined;
  /** A new token is wanted, not one that another tab has. */
  readonly byPerson: boolean;
  /** Called with the token that came from the source, before other tabs may ask. */
  readonly onToken: (token: GuestToken, attempt: number) => void;
}

/** One acquisition: the attempts and waits until there is a token, for any number of callers. */
export class Acquisition {
  readonly #options: AcquisitionOptions;
  /** The state in which it began. */
  readonly #before: SessionState;
  #isFresh: boolean;
  #lastWasFresh = true;
  readonly #ended = new AbortController();
  #wait = new AbortController();

  constructor(options: AcquisitionOptions) {
    const { state } = options.store;
    this.#options = options;
    this.#before = state;
    // A source that handed out what was over has to be asked for something else.
    const hadProgress = state.failure?.error.code !== 'no_progress';
    this.#isFresh = options.byPerson || !!tokenToReplace(state) || !hadProgress;
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
    const { tabs, byPerson } = this.#options;
    const { signal } = this.#ended;
    const work = (): Promise<GuestToken> => this.#attempts(signal);
    return unlessAborted(signal, () =>
      tabs ? tabs.exclusively(signal, !byPerson, tokenToReplace(this.#before), work) : work(),
    );
  }

  #attempts(signal: AbortSignal): Promise<GuestToken> {
    const { store, byPerson, onToken } = this.#options;
    const { source, retry, externalId, channelId, attributes } = store.settings;
    return acquire(
      retry,
      async (attempt) => {
        await this.#untilAllowed(signal);
        store.dispatch({ type: 'request-sent', attempt, fresh: this.#isFresh });
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
        if (!signal.aborted) onToken(token, attempt);
        return token;
      },
      async (attempt, error, delayMs) => {
        signal.throwIfAborted();
        store.dispatch({ type: 'attempt-failed', attempt, error, delayMs });
        await this.#pause(delayMs, signal);
      },
      // Those of an acquisition that was aborted just before count as well.
      byPerson ? 0 : this.#before.throttle.failedAttempts,
    );
  }

  /** Waits for the end of a pause and for the network. No request leaves before. */
  async #untilAllowed(signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    const pausedMs = pausedForMs(store.state.throttle, readClock());
    if (pausedMs > 0) await this.#pause(pausedMs, signal);
    if (!isOnline()) {
      const error = offline();
      store.dispatch({ type: 'attempt-postponed', error, delayMs: ATTEMPT_TIMEOUT_MS });
      await this.#pause(ATTEMPT_TIMEOUT_MS, signal);
      if (!isOnline()) throw error;
    }
    signal.throwIfAborted();
    const delayMs = overBudgetForMs(store.state.throttle, readClock());
    if (delayMs > 0) {
      const error = overBudget(delayMs);
      store.dispatch({ type: 'attempt-postponed', error, delayMs });
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
    this.#options.store.dispatch({ type: 'pause-elapsed' });
  }

  #read(reply: unknown, requestedAt: Instant): GuestToken {
    const { latest, held } = this.#before;
    const { settings } = this.#options.store;
    return readSuccessor(reply, latest, held?.isRejected ?? false, { ...settings, requestedAt });
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
