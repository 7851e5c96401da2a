import { GuestTokenError } from './errors.ts';
import { timerDelayMs } from './expiry.ts';

/** What `work` yields, or the signal's reason as soon as it aborts, even if `work` ignores it. */
export function unlessAborted<Result>(
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal?.reason);
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener('abort', stop));
  });
}

/** Waits `delayMs`, or less when `signal` aborts. Never rejects; leaves no timer or listener behind. */
export async function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
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
 * Runs `work` for at most `timeoutMs`, even if it ignores its signal.
 *
 * @throws GuestTokenError `timed_out`; the reason of `signal` if that aborts first
 */
export function withTimeout<Result>(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  name: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  // not AbortSignal.any, which edge runtimes lack and which stays attached to a long-lived signal
  const limited = new AbortController();
  const timer = setTimeout(() => {
    limited.abort(new GuestTokenError('timed_out', `${name} took over ${timeoutMs} ms.`));
  }, timerDelayMs(timeoutMs));
  // async, so that a source that throws before its first await is caught as well
  const limit = (): Promise<Result> =>
    unlessAborted(limited.signal, async () => work(limited.signal));
  return unlessAborted(signal, limit)
    .catch((error: unknown) => {
      limited.abort(error);
      throw error;
    })
    .finally(() => clearTimeout(timer));
}
