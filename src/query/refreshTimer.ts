import { timerDelayMs } from '../core/expiry.ts';

/** No wait is longer, so that a sleep without any event ends within this (contract F2). */
const HEARTBEAT_MS = 30_000;

/** Why somebody looks at the token: time, a sign of life of the page, or its return. */
export type WakeUp = 'timer' | 'stirred' | 'visible' | 'online' | 'hidden' | 'leaving';

export interface RefreshTimer {
  /** Looks at the plan anew. */
  rearm(): void;
  stop(): void;
}

const pageEvents: readonly (readonly [() => EventTarget | undefined, string, () => WakeUp])[] = [
  [() => globalThis.document, 'visibilitychange', () => (isVisible() ? 'visible' : 'hidden')],
  [() => globalThis.document, 'resume', () => 'stirred'],
  [() => globalThis.window, 'focus', () => 'stirred'],
  [() => globalThis.window, 'pageshow', () => 'stirred'],
  [() => globalThis.window, 'pagehide', () => 'leaving'],
  [() => globalThis.window, 'online', () => 'online'],
];

/**
 * The one timer of a session: calls `onWake` when `nextDelayMs` says, when the page wakes, and every
 * 30 s at the latest.
 *
 * @param nextDelayMs ms until there is something to do; it is asked after each wake-up
 */
export function startRefreshTimer(
  nextDelayMs: () => number,
  onWake: (wakeUp: WakeUp) => void,
): RefreshTimer {
  let timer: ReturnType<typeof setTimeout> | undefined;

  function rearm(): void {
    clearTimeout(timer);
    // Rounded up: a timer that fires a fraction early would find nothing to do, and spin.
    const delayMs = Math.ceil(Math.min(nextDelayMs(), HEARTBEAT_MS));
    timer = setTimeout(() => wake('timer'), Math.max(timerDelayMs(delayMs), 1));
  }
  function wake(wakeUp: WakeUp): void {
    onWake(wakeUp);
    rearm();
  }

  const stops = pageEvents.map(([target, type, meaning]) => {
    const on = target();
    const listener = (): void => wake(meaning());
    on?.addEventListener(type, listener);
    return () => on?.removeEventListener(type, listener);
  });
  rearm();
  return {
    rearm,
    stop() {
      clearTimeout(timer);
      for (const stop of stops) stop();
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

/** Resolves when the page may be online again, after a heartbeat at the latest, or on abort. */
export function untilOnline(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      globalThis.window?.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, HEARTBEAT_MS);
    globalThis.window?.addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}
