import { MAX_TIMER_MS } from '../core/expiry.ts';

/** No wait is longer, so that a sleep without any event of the page ends within this. */
const HEARTBEAT_MS = 30_000;

export interface WakeUps {
  /** Looks anew at when there is something to do. */
  rearm(): void;
  stop(): void;
}

/** In the capture phase a window sees what happens to its document as well. */
const events = 'visibilitychange resume focus pageshow pagehide online offline'.split(' ');

/**
 * The one timer of a session, and the events of its page.
 *
 * @param isWatched without a provider there are no events and no heartbeat
 * @param nextDelayMs ms until there is something to do; asked after each wake-up
 * @param onWake called when that is due, when something happens to the page, and every 30 s at least
 */
export function startWakeUps(
  isWatched: boolean,
  nextDelayMs: () => number,
  onWake: (event?: Event) => void,
): WakeUps {
  let timer: ReturnType<typeof setTimeout> | undefined;

  function rearm(): void {
    clearTimeout(timer);
    // Rounded up: a timer that fires a fraction early would find nothing to do, and spin.
    const delayMs = Math.ceil(Math.min(nextDelayMs(), isWatched ? HEARTBEAT_MS : MAX_TIMER_MS));
    timer = setTimeout(wake, Math.max(delayMs, 1));
  }
  function wake(event?: Event): void {
    onWake(event);
    rearm();
  }
  function listen(how: 'addEventListener' | 'removeEventListener'): void {
    // React Native has a window without events.
    if (!isWatched) return;
    for (const type of events) globalThis.window?.[how]?.(type, wake, true);
  }

  listen('addEventListener');
  rearm();
  return {
    rearm,
    stop() {
      clearTimeout(timer);
      listen('removeEventListener');
    },
  };
}

/** Not hidden; always where there is no page. */
export function isVisible(): boolean {
  return globalThis.document?.visibilityState !== 'hidden';
}

/** Not known to be offline. */
export function isOnline(): boolean {
  return globalThis.navigator?.onLine !== false;
}
