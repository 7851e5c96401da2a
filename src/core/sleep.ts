import { timerDelayMs } from './expiry.ts';

/** Waits `delayMs`, or less when `signal` aborts; never rejects and leaves nothing behind. */
export function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, timerDelayMs(delayMs));
    signal.addEventListener('abort', end);
  });
}
