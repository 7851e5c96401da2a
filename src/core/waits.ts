import { GuestTokenError } from './errors.ts';
import { timerDelayMs } from './expiry.ts';

/** What `work` yields, or the signal's reason as soon as it aborts, whether or not `work` heeds it. */
export function unlessAborted<Result>(
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal?.reason);
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop);
    work()
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener('abort', stop));
  });
}

/** Waits `delayMs`, or less when `signal` aborts; never rejects and leaves nothing behind. */
export async function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  if (delayMs > 0) {
    await unlessAborted(
      signal,
      () =>
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, timerDelayMs(delayMs));
        }),
    ).catch(() => undefined);
  }
  clearTimeout(timer);
}

/**
 * Runs `work` for `timeoutMs` at most, whether or not it heeds its signal.
 *
 * @throws GuestTokenError `timed_out`, or the reason of `signal` when that aborts first
 */
export function withTimeout<Result>(
  timeoutMs: number,
  signal: AbortSignal,
  name: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const timeout = new AbortController();
  const error = new GuestTokenError('timed_out', `${name} took over ${timeoutMs} ms.`);
  const timer = setTimeout(() => timeout.abort(error), timeoutMs);
  const either = AbortSignal.any([signal, timeout.signal]);
  // async, so that a source that throws before its first await is caught as well
  return unlessAborted(either, async () => work(either)).finally(() => clearTimeout(timer));
}
