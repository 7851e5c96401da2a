import { readClock } from '../core/clock.ts';
import { warnOfSources } from '../core/devWarnings.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { cooldownMs } from '../core/retryPolicy.ts';
import type { GuestTokenSource } from '../core/tokenSource.ts';
import { Refresher } from './refresher.ts';
import type { GuestTokenSettings } from './settings.ts';
import { Sharing } from './sharing.ts';
import { SingleFlight } from './singleFlight.ts';
import { initialState, type SessionState } from './state.ts';
import { SessionStore, type StateMirror } from './store.ts';
import { SuspensePromise } from './suspensePromise.ts';
import { refusalsInARow } from './throttle.ts';
import { isOnline, isVisible } from './wakeUps.ts';

export interface SessionOptions {
  /** Told what remains of it. */
  readonly onDispose: (remains: SessionState) => void;
  /** Names the identity in storage and between tabs. */
  readonly key: string;
  readonly settings: GuestTokenSettings;
  readonly mirror: StateMirror;
  /** What remains of a session before this one: a pause, with the failure that began it. */
  readonly remains?: SessionState | undefined;
  /** The token goes with the last provider that shows it, and does not stay with its client. */
  readonly endsWithProvider: boolean;
}

/**
 * One identity's token over time: acquired, kept fresh while a provider shows it, replaced when
 * refused, dropped at its end. `reduce` decides what an event changes and `nextTask` what follows;
 * this class carries it out.
 */
export class GuestTokenSession {
  readonly store: SessionStore;
  readonly flight: SingleFlight;
  readonly #options: SessionOptions;
  readonly #sharing: Sharing;
  readonly #refresher: Refresher;
  readonly #suspense: SuspensePromise;
  /** How often a provider has begun to show it. */
  watchesBegun = 0;
  /** Of each provider that shows it: the source it had at first. */
  #watchers: readonly (GuestTokenSource | undefined)[] = [];
  /** Whoever needs the identity's session from now on gets another one. */
  isDisposed = false;

  constructor(options: SessionOptions) {
    const { key, settings, remains = initialState, mirror } = options;
    this.#options = options;
    const store = new SessionStore(key, settings, remains, mirror);
    this.store = store;
    this.#suspense = new SuspensePromise(store);
    this.#sharing = new Sharing({
      key,
      store,
      onForeignToken: () => this.flight.abort(),
      onSignedIn: () => this.#signIn(),
      onSignedOut: () => this.#leave('signed-out'),
    });
    this.flight = new SingleFlight(store, this.#sharing);
    this.#refresher = new Refresher(
      store,
      () => void this.flight.acquire(),
      (event) => this.#onPageEvent(event),
    );
  }

  // --- what callers ask for

  /** A new token now, whatever pause is on. */
  refresh(): Promise<GuestToken> {
    this.store.dispatch({ type: 'signed-in' });
    this.#endCooldown(true);
    return this.flight.acquire(true);
  }

  /**
   * A server has refused a token.
   *
   * @returns false: it will not be replaced now
   */
  reject(value: string): boolean {
    const { store } = this;
    const before = store.state.held;
    store.dispatch({ type: 'token-rejected', value });
    const { held } = store.state;
    if (held !== before) {
      this.#sharing.forget();
      this.flight.acquire();
    }
    // A late answer for an older token: there is, or soon will be, a newer one to send again with.
    return held?.token.value !== value || held.isRejected;
  }

  /** A call was refused with the replacement, too: no replacements for a while. */
  rejectReplacement(): false {
    const pauseMs = cooldownMs(refusalsInARow(this.store.state.throttle, readClock()));
    this.store.dispatch({ type: 'replacement-refused', pauseMs });
    return false;
  }

  /**
   * For a component that can't render without a token.
   *
   * @param isRetry a person has reset the error boundary
   * @returns settles when it should try again: one promise for all who wait
   */
  acquireForSuspense(isRetry: boolean): Promise<void> {
    if (isRetry) this.#endCooldown(true);
    this.flight.acquire().catch(nothing);
    return this.#suspense.pending;
  }

  /** Ends a pause early; offline there is nothing to hurry for. */
  #endCooldown(byPerson: boolean): void {
    if (!isOnline()) return;
    this.store.dispatch({ type: 'pause-ended-early', byPerson });
    if (!this.store.state.throttle.pause) this.flight.endWait();
  }

  // --- providers

  /** Takes over the settings of a render that may never be committed, while no other's count. */
  prepare(settings: GuestTokenSettings): void {
    if (!this.store.state.isWatched) this.store.settings = settings;
  }

  /** Takes over the latest settings of a provider; none of them changes who the token is for. */
  configure(settings: GuestTokenSettings): void {
    if (settings === this.store.settings) return;
    this.store.settings = settings;
    // Later, since React allows no updates while it commits.
    queueMicrotask(() => this.#refresher.refreshIfDue());
  }

  /**
   * Keeps the token fresh for as long as somebody watches.
   *
   * @param source the provider's
   * @param isGone asked when nobody watches any more: whether the visitor is gone as well
   * @returns stops watching; it takes effect in a microtask, since StrictMode watches twice
   */
  watch(source: GuestTokenSource | undefined, isGone: () => boolean): () => void {
    const { tabs } = this.#sharing;
    this.watchesBegun++;
    this.#watchers = [...this.#watchers, source];
    warnOfSources(this.#watchers);
    tabs?.open();
    // Whoever shows this identity vouches that the visitor is here (again), for all tabs.
    tabs?.tell('signed-in');
    this.store.dispatch({ type: 'watched' });
    this.#signIn();
    this.store.notify();
    return () => {
      this.#watchers = this.#watchers.toSpliced(this.#watchers.indexOf(source), 1);
      queueMicrotask(() => {
        if (this.#watchers.length > 0) return;
        this.store.dispatch({ type: 'unwatched' });
        this.#leave(isGone() ? 'replaced' : 'unwatched');
      });
    };
  }

  /** The visitor has left: nothing of them stays, in any tab. */
  signOut(): void {
    this.#sharing.tabs?.tell('signed-out');
    this.#leave('signed-out');
  }

  #signIn(): void {
    this.store.dispatch({ type: 'signed-in' });
    this.#refresher.refreshIfDue();
  }

  #leave(why: 'signed-out' | 'replaced' | 'unwatched'): void {
    this.flight.abort();
    if (why !== 'unwatched') this.#sharing.forget();
    if (why === 'signed-out') this.store.dispatch({ type: 'signed-out' });
    this.#sharing.closeUnlessWatched();
    const isOver = why !== 'unwatched' || this.#options.endsWithProvider;
    if (isOver && this.#watchers.length === 0) this.dispose();
  }

  #onPageEvent(event: Event): void {
    this.#sharing.onPageEvent(event);
    const isShown = event.type === 'visibilitychange' && isVisible();
    if (isShown || event.type === 'online') this.#endCooldown(false);
  }

  dispose(): void {
    this.isDisposed = true;
    this.store.dispatch({ type: 'cleared' });
    this.#refresher.rearm();
    this.#options.onDispose(this.store.state);
  }
}

function nothing(): void {}
