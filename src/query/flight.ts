import { GuestTokenError } from '../core/errors.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { sleep } from '../core/sleep.ts';
import { ATTEMPT_TIMEOUT_MS } from '../core/tokenSource.ts';
import { isOnline, untilOnline } from './refreshTimer.ts';

/** What a round does when it does not ask: it may be told to go on at once. */
export interface Pause {
  readonly kind: 'backoff' | 'named by the server' | 'offline';
  readonly endsAtMs: number | undefined;
}

/**
 * One round of requests that any number of callers wait for. It ends with the source's answer, with
 * a token that another tab has got meanwhile, or by `abort`.
 */
export class Flight {
  readonly #result = deferred<GuestToken>();
  readonly #round = new AbortController();
  #stall = deferred<never>();
  #nudge: AbortController | undefined;
  #pause: Pause | undefined;

  /** Aborts when the round is over, however it ended. */
  get signal(): AbortSignal {
    return this.#round.signal;
  }

  get pause(): Pause | undefined {
    return this.#pause;
  }

  /** The token; rejects earlier, with `unreachable`, for as long as the page stays offline. */
  get token(): Promise<GuestToken> {
    return Promise.race([this.#result.promise, this.#stall.promise]);
  }

  /** Resolves when the round is over, however it ended. */
  get over(): Promise<void> {
    return this.#result.promise.then(
      () => undefined,
      () => undefined,
    );
  }

  succeed(token: GuestToken): void {
    this.#result.resolve(token);
    this.#round.abort();
  }

  fail(error: GuestTokenError): void {
    this.#result.reject(error);
    this.#round.abort();
  }

  /** Waits before the next attempt. */
  async backOff(delayMs: number, namedByServer: boolean): Promise<void> {
    const kind = namedByServer ? 'named by the server' : 'backoff';
    await this.#paused({ kind, endsAtMs: Date.now() + delayMs }, (signal) =>
      sleep(delayMs, signal),
    );
  }

  /** Waits until the page is online; whoever waits for the token gives up after a time-out. */
  async waitOnline(): Promise<void> {
    const stalled = setTimeout(() => this.#stall.reject(offline()), ATTEMPT_TIMEOUT_MS);
    try {
      while (!isOnline() && !this.signal.aborted) {
        await this.#paused({ kind: 'offline', endsAtMs: undefined }, untilOnline);
      }
    } finally {
      clearTimeout(stalled);
      this.#stall = deferred();
    }
  }

  /**
   * Goes on at once.
   *
   * @param byHand a person asks: this ends a wait that the server named, too
   */
  nudge(byHand: boolean): void {
    if (byHand || this.#pause?.kind !== 'named by the server') this.#nudge?.abort();
  }

  async #paused(pause: Pause, wait: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const nudge = new AbortController();
    const end = (): void => nudge.abort();
    this.#pause = pause;
    this.#nudge = nudge;
    this.signal.addEventListener('abort', end);
    if (this.signal.aborted) end();
    await wait(nudge.signal);
    this.signal.removeEventListener('abort', end);
    this.#pause = undefined;
  }
}

export function offline(): GuestTokenError {
  return new GuestTokenError('unreachable', 'The page is offline.');
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: GuestTokenError) => void;
}

/** A promise to settle from outside; nobody has to wait for it. */
function deferred<Value>(): Deferred<Value> {
  let resolve: Deferred<Value>['resolve'] = () => undefined;
  let reject: Deferred<Value>['reject'] = () => undefined;
  const promise = new Promise<Value>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
