import { toGuestTokenError } from '../core/classify.ts';
import { readClock } from '../core/clock.ts';
import { warnOfFailure, warnOfShortLife } from '../core/devWarnings.ts';
import { GuestTokenError } from '../core/errors.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { cooldownMs } from '../core/retryPolicy.ts';
import { Acquisition } from './acquisition.ts';
import { untilDueMs } from './schedule.ts';
import type { Sharing } from './sharing.ts';
import { usableToken } from './state.ts';
import type { SessionStore } from './store.ts';

/** At most one acquisition at a time, for any number of callers. */
export class SingleFlight {
  readonly #store: SessionStore;
  readonly #sharing: Sharing;
  #running: { acquisition: Acquisition; promise: Promise<GuestToken> } | undefined;

  /** @param sharing announces each new token */
  constructor(store: SessionStore, sharing: Sharing) {
    this.#store = store;
    this.#sharing = sharing;
  }

  /** The token in hand, where it can be handed out; renewed behind it when that is due. */
  takeToken(): GuestToken | undefined {
    const { state } = this.#store;
    const now = readClock();
    const token = usableToken(state, now);
    if (token && untilDueMs(state, now) <= 0) this.acquire();
    return token;
  }

  /** A token that is valid now; a new one where there is none in hand. */
  getToken(): Promise<GuestToken> {
    const token = this.takeToken();
    if (token) return Promise.resolve(token);
    const { state } = this.#store;
    const isPaused = !this.#running && untilDueMs(state, readClock()) > 0;
    return isPaused && state.failure ? Promise.reject(state.failure.error) : this.acquire();
  }

  /**
   * Joins the acquisition under way, or starts one.
   *
   * @param byPerson a new token is wanted, not one that was on its way already
   */
  acquire(byPerson = false): Promise<GuestToken> {
    if (this.#store.state.isSignedOut) return Promise.reject(gone());
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
    const acquisition = new Acquisition({
      store: this.#store,
      tabs: this.#sharing.tabs,
      byPerson,
      onToken: (token, attempt) => this.#onToken(token, attempt),
    });
    const promise = this.#carryOut(acquisition);
    promise.catch(() => undefined); // nobody has to wait for it
    this.#running = { acquisition, promise };
    this.#store.dispatch({ type: 'acquisition-started' });
    return promise;
  }

  /** Ends what is under way: who waits gets the token in hand, where there is one. */
  abort(): void {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    this.#store.dispatch({ type: 'acquisition-aborted' });
    running.acquisition.abort(gone());
  }

  /** Makes the next attempt now. */
  endWait(): void {
    this.#running?.acquisition.endWait();
  }

  async #carryOut(acquisition: Acquisition): Promise<GuestToken> {
    const store = this.#store;
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
      this.#sharing.closeUnlessWatched();
    }
  }

  #onToken(token: GuestToken, attempt: number): void {
    const { state, settings } = this.#store;
    const isNew = token !== state.held?.token;
    this.#running = undefined;
    warnOfShortLife(token.bufferMs, settings.expiryBufferMs);
    this.#store.dispatch({ type: 'token-acquired', attempt, token });
    if (isNew) this.#sharing.announce(token);
  }
}

export function gone(): GuestTokenError {
  return new GuestTokenError('aborted', 'The visitor is gone.');
}
