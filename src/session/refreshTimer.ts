/** No wait is longer, so that a sleep without any event ends within this (contract F2). */
const HEARTBEAT_MS = 30_000;

export interface RefreshTimer {
  /** Looks at the plan anew. */
  rearm(): void;
  stop(): void;
}

/** In the capture phase a window sees what happens to its document as well. */
const events = 'visibilitychange resume focus pageshow pagehide online'.split(' ');

/**
 * The one timer of a session: calls `onWake` when `nextDelayMs` says, when the page stirs, and every
 * 30 s at the latest.
 *
 * @param nextDelayMs ms until there is something to do; it is asked after each wake-up
 * @param onWake told the page's event, if it was one
 */
export function startRefreshTimer(
  nextDelayMs: () => number,
  onWake: (event?: string) => void,
): RefreshTimer {
  let timer: ReturnType<typeof setTimeout> | undefined;

  function rearm(): void {
    clearTimeout(timer);
    // Rounded up: a timer that fires a fraction early would find nothing to do, and spin.
    const delayMs = Math.ceil(Math.min(nextDelayMs(), HEARTBEAT_MS));
    timer = setTimeout(wake, Math.max(delayMs, 1));
  }
  function wake(event?: Event): void {
    onWake(event?.type);
    rearm();
  }
  function listen(how: 'addEventListener' | 'removeEventListener'): void {
    for (const type of events) globalThis.window?.[how](type, wake, true);
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
