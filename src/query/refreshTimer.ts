import { timerDelayMs } from '../core/expiry.ts';
import { sleep } from '../core/sleep.ts';

/** No wait is longer, so that a sleep without any event ends within this (contract F2). */
const HEARTBEAT_MS = 30_000;

/** Why somebody looks at the token: time or a sign of life of the page, its return, or its end. */
export type WakeUp = 'stirred' | 'visible' | 'online' | 'leaving';

export interface RefreshTimer {
  /** Looks at the plan anew. */
  rearm(): void;
  stop(): void;
}

/** What the page says of itself, and on which object. */
const pageEvents = {
  visibilitychange: 'document',
  resume: 'document',
  focus: 'window',
  pageshow: 'window',
  pagehide: 'window',
  online: 'window',
} as const;

function meaning(event: string): WakeUp {
  if (event === 'visibilitychange') return isVisible() ? 'visible' : 'stirred';
  if (event === 'pagehide') return 'leaving';
  return event === 'online' ? event : 'stirred';
}

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
    timer = setTimeout(() => wake('stirred'), Math.max(timerDelayMs(delayMs), 1));
  }
  function wake(wakeUp: WakeUp): void {
    onWake(wakeUp);
    rearm();
  }

  const stops = Object.entries(pageEvents).map(([event, target]) => {
    const on: EventTarget | undefined = globalThis[target];
    const listener = (): void => wake(meaning(event));
    on?.addEventListener(event, listener);
    return () => on?.removeEventListener(event, listener);
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
  return sleep(HEARTBEAT_MS, signal, globalThis.window, 'online');
}
