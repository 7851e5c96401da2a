import { toGuestTokenError } from '../core/classify.ts';
import { readClock } from '../core/clock.ts';
import { warnOfFailure, warnOfShortLife } from '../core/devWarnings.ts';
import { GuestTokenError } from '../core/errors.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { cooldownMs } from '../core/retryPolicy.ts';
import { Acquisition } from './acquisition.ts';
import type { CheckedConfig } from './settings.ts';
import { type AcquisitionEvent, usableToken } from './state.ts';
import type { SessionStore } from './store.ts';
import type { Tabs } from './tabs.ts';
import { overBudgetForMs, pausedForMs } from './throttle.ts';

export interface SingleFlightOptions {
  readonly externalId: string;
  readonly store: SessionStore;
  readonly tabs: Tabs | undefined;
  readonly settings: () => CheckedConfig;
  /** Called with each new token that came from the source, before another tab may ask. */
  readonly onAcquired: (token: GuestToken) => void;
  /** Called after the end of each acquisition. */
  readonly onEnd: () => void;
}

/** At most one acquisition at a time, for any number of callers. */
export class SingleFlight {
  readonly #options: SingleFlightOptions;
  #running: { acquisition: Acquisition; promise: Promise<GuestToken> } | undefined;

  constructor(options: SingleFlightOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Joins the acquisition under way, or starts one.
   *
   * @param byPerson a new token is wanted, not one that was on its way already
   */
  acquire(byPerson = false): Promise<GuestToken> {
    const { store } = this.#options;
    if (store.state.isSignedOut) return Promise.reject(gone());
    if (this.#running) {
      const { acquisition, promise } = this.#running;
      if (!byPerson) return promise;
      acquisition.makeFresh();
      if (acquisition.lastWasFresh) return promise;
      // A request for any token is on its way; where it is answered, a new one is asked for after it.
      const next = (): Promise<GuestToken> =>
        acquisition.lastWasFresh || acquisition.isAborted ? promise : this.acquire(true);
      return promise.then(next, next);
    }
    const acquisition = this.#create(byPerson);
    const promise = this.#carryOut(acquisition);
    promise.catch(() => undefined); // nobody has to wait for it
    this.#running = { acquisition, promise };
    store.dispatch({ type: 'acquisition-started' });
    return promise;
  }

  /** Ends what is under way: who waits gets the token in hand, where there is one. */
  abort(): void {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    this.#options.store.dispatch({ type: 'acquisition-aborted' });
    running.acquisition.abort(gone());
  }

  /** Makes the next attempt now. */
  endWait(): void {
    this.#running?.acquisition.endWait();
  }

  #create(byPerson: boolean): Acquisition {
    const { store, externalId, tabs, settings } = this.#options;
    const { failure, held, isUnconfirmed, latest, throttle } = store.state;
    const isReplacement = latest !== undefined && !isUnconfirmed;
    return new Acquisition({
      externalId,
      settings: settings(),
      // A source that handed out what was over has to be asked for something else.
      fresh: byPerson || isReplacement || failure?.error.code === 'no_progress',
      mayShare: !byPerson,
      // A token that another tab still has is as good as confirmed.
      newerThan: isReplacement ? latest : undefined,
      previous: latest,
      wasRejected: held?.isRejected ?? false,
      failedAttempts: byPerson ? 0 : throttle.failedAttempts,
      tabs,
      pausedForMs: () => pausedForMs(store.state.throttle, readClock()),
      overBudgetForMs: () => overBudgetForMs(store.state.throttle, readClock()),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  async #carryOut(acquisition: Acquisition): Promise<GuestToken> {
    const { store, onEnd } = this.#options;
    // Later, since a component that suspends starts this while it renders.
    await undefined;
    try {
      return await acquisition.run();
    } catch (thrown) {
      if (acquisition.isAborted) {
        // Who waits gets what came from elsewhere, where something did.
        const token = usableToken(store.state, readClock());
        if (token) return token;
        throw thrown;
      }
      const error = toGuestTokenError(thrown);
      this.#running = undefined;
      const pauseMs = cooldownMs(store.state.throttle.failures, error);
      store.dispatch({ type: 'acquisition-failed', error, cooldownMs: pauseMs });
      warnOfFailure(error);
      throw error;
    } finally {
      onEnd();
    }
  }

  #onEvent(event: AcquisitionEvent): void {
    const { store, settings, onAcquired } = this.#options;
    const token = event.type === 'token-acquired' ? event.token : undefined;
    const isNew = token !== store.state.held?.token;
    if (token) {
      this.#running = undefined;
      warnOfShortLife(token.bufferMs, settings().expiryBufferMs);
    }
    store.dispatch(event);
    if (token && isNew) onAcquired(token);
  }
}

export function gone(): GuestTokenError {
  return new GuestTokenError('aborted', 'The visitor is gone.');
}
