import { timerDelayMs } from './expiry.ts';

/**
 * Waits `delayMs`, or less when `signal` aborts or `event` happens to `target`; never rejects and
 * leaves nothing behind.
 */
export function sleep(
  delayMs: number,
  signal: AbortSignal,
  target?: EventTarget,
  event = '',
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      target?.removeEventListener(event, end);
      resolve();
    };
    const timer = setTimeout(end, timerDelayMs(delayMs));
    signal.addEventListener('abort', end);
    target?.addEventListener(event, end);
  });
}
