import { readClock } from '../core/clock.ts';
import { type GuestTokenEvent, type GuestTokenEventDetail, identityHash } from '../core/events.ts';
import { publicEvents } from './publicEvents.ts';
import type { GuestTokenSettings } from './settings.ts';
import { reduce, type SessionEvent, type SessionState } from './state.ts';
import { pausedForMs } from './throttle.ts';
import { type GuestTokenState, pendingView, type StateField, stateFields, viewOf } from './view.ts';
import { isOnline } from './wakeUps.ts';

/** Where a session shows its state to others than components. */
export interface StateMirror {
  write(state: SessionState, view: GuestTokenState): void;
  remove(): void;
}

/**
 * Called when the state has changed.
 *
 * @param changed the fields that components see otherwise than at the last call
 * @param events what `onEvent` was told since the last call
 */
export type StoreListener = (
  changed: readonly StateField[],
  events: readonly GuestTokenEvent[],
) => void;

/**
 * The one owner of a session's state and settings. What happens changes the state at once; whoever listens is told
 * in a microtask, since much of it happens while React renders or commits.
 */
export class SessionStore {
  /** The latest ones of whoever shows the session. */
  settings: GuestTokenSettings;
  readonly #identity: string;
  readonly #mirror: StateMirror;
  readonly #listeners = new Set<StoreListener>();
  #state: SessionState;
  /** The view, and the state that it is of. */
  #view: GuestTokenState | undefined;
  #viewed: SessionState | undefined;
  /** The view that the listeners know. */
  #notified: GuestTokenState = pendingView;
  #events: GuestTokenEvent[] = [];
  #willNotify = false;

  /**
   * @param key names the identity
   * @param settings of whom the session is for at first
   * @param initial what remains of a session of the identity before
   * @param mirror written to before the listeners are called
   */
  constructor(
    key: string,
    settings: GuestTokenSettings,
    initial: SessionState,
    mirror: StateMirror,
  ) {
    this.#identity = identityHash(key);
    this.settings = settings;
    this.#state = initial;
    this.#mirror = mirror;
  }

  /** As of the last event; `getView` looks at the clock as well. */
  get state(): SessionState {
    return this.#state;
  }

  /** What components see now: the same object until something changes. */
  getView(): GuestTokenState {
    const { held, isWatched, throttle } = this.#state;
    if (held?.token.isExpired()) this.dispatch({ type: 'token-expired' });
    // Otherwise the timer sees to it.
    if (!isWatched && throttle.pause && pausedForMs(throttle, readClock()) <= 0) {
      this.dispatch({ type: 'pause-elapsed' });
    }
    if (!this.#view || this.#viewed !== this.#state) {
      this.#viewed = this.#state;
      this.#view = viewOf(this.#state);
    }
    return this.#view;
  }

  /** Shows the state in the mirror. */
  show(): void {
    this.#mirror.write(this.#state, this.getView());
  }

  readonly subscribe = (listener: StoreListener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  dispatch(event: SessionEvent): void {
    const before = this.#state;
    const now = readClock();
    const here = reduce(before, { type: 'network-changed', isOnline: isOnline() }, now);
    this.#state = reduce(here, event, now);
    for (const detail of publicEvents(event, before, this.#state)) this.emit(detail);
    if (this.#state !== before) this.#notifyLater();
  }

  /** Tells `onEvent`. */
  emit(detail: GuestTokenEventDetail): void {
    this.#events.push({ ...detail, atMs: Date.now(), identity: this.#identity });
    this.#notifyLater();
  }

  #notifyLater(): void {
    if (this.#willNotify) return;
    this.#willNotify = true;
    queueMicrotask(() => this.notify());
  }

  /** Tells everybody now what they have not been told yet. */
  notify(): void {
    if (!this.#willNotify) return;
    this.#willNotify = false;
    const events = this.#events.splice(0);
    for (const event of events) {
      try {
        this.settings.onEvent(event);
      } catch (error) {
        // A listener's mistake is its own: shown as such, it must not cost the token.
        globalThis.reportError?.(error);
      }
    }
    this.show();
    const view = this.getView();
    const before = this.#notified;
    const changed = stateFields.filter((field) => view[field] !== before[field]);
    this.#notified = view;
    for (const listener of this.#listeners) listener(changed, events);
  }
}
