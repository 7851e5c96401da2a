import { readClock } from '../core/clock.ts';
import { nextTask, type Task } from './schedule.ts';
import type { SessionStore } from './store.ts';
import { isOnline, isVisible, startWakeUps, type WakeUps } from './wakeUps.ts';

/** Does what is due: drops a token that is over, ends a pause, renews. */
export class Refresher {
  readonly #store: SessionStore;
  readonly #acquire: () => void;
  readonly #onPageEvent: (event: Event) => void;
  /** Whether the wake-ups are those of a watched session. */
  #isAwake = false;
  #wakeUps: WakeUps | undefined;

  /** @param onPageEvent called first when something happens to the page */
  constructor(store: SessionStore, acquire: () => void, onPageEvent: (event: Event) => void) {
    this.#store = store;
    this.#acquire = acquire;
    this.#onPageEvent = onPageEvent;
    store.subscribe(() => this.rearm());
  }

  /** Looks anew at whether and when there is something to do. */
  rearm(): void {
    const { isWatched, held } = this.#store.state;
    // Without a provider only the token's end matters; on a server a token ends with its request.
    const isNeeded = isWatched || (held && globalThis.window);
    if (!isNeeded || isWatched !== this.#isAwake) this.#stop();
    this.#isAwake = isWatched;
    if (this.#wakeUps) this.#wakeUps.rearm();
    else if (isNeeded) {
      this.#wakeUps = startWakeUps(
        isWatched,
        () => this.#nextTask()?.inMs ?? Number.POSITIVE_INFINITY,
        (event) => {
          if (event) this.#onPageEvent(event);
          this.refreshIfDue();
        },
      );
    }
  }

  refreshIfDue(): void {
    const store = this.#store;
    store.dispatch({ type: 'network-changed', isOnline: isOnline() });
    for (;;) {
      const task = this.#nextTask();
      if (!task || task.inMs > 0) return;
      if (task.name === 'acquire') {
        this.#acquire();
        return;
      }
      store.dispatch({ type: task.name === 'end-pause' ? 'pause-elapsed' : 'token-expired' });
    }
  }

  #nextTask(): Task | undefined {
    const { state, settings } = this.#store;
    return nextTask(state, settings.keepFresh, isVisible(), readClock());
  }

  #stop(): void {
    this.#wakeUps?.stop();
    this.#wakeUps = undefined;
  }
}
