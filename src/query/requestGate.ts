import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import { cooldownMs } from '../core/retryPolicy.ts';
import { sleep } from '../core/sleep.ts';

/** A source that is asked more often than this is asked in a loop, whatever the cause. */
const MAX_REQUESTS_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

/** A time in which the source is not asked: between two attempts, or after a round that failed. */
interface Pause {
  readonly until: Deadline;
  /** Epoch ms. */
  readonly endsAtMs: number;
  /** The server has named its length. */
  readonly isNamed: boolean;
  /** Aborts when it is ended before its time. */
  readonly end: AbortController;
}

/** Decides when a session may ask its source: after failures not at once, and never in a loop. */
export class RequestGate {
  #failedRounds = 0;
  #pause: Pause | undefined;
  /** When the latest requests will be a minute ago. */
  #requests: readonly Deadline[] = [];
  #refusals = 0;
  #refusedUntil: Deadline | undefined;

  /** Ms until automatic callers may ask; 0 or less: now. */
  get untilOpenMs(): number {
    return untilMs(this.#pause?.until);
  }

  /** When it opens by itself: epoch ms; undefined where it is open. */
  get opensAtMs(): number | undefined {
    return this.untilOpenMs > 0 ? this.#pause?.endsAtMs : undefined;
  }

  /** Closes for `delayMs`, named by the server where the error says so. */
  #close(delayMs: number, { retryAtMs }: GuestTokenError): AbortSignal {
    const end = new AbortController();
    const endsAtMs = Date.now() + delayMs;
    const isNamed = retryAtMs !== undefined;
    this.#pause = { until: deadlineIn(delayMs), endsAtMs, isNamed, end };
    return end.signal;
  }

  /** Waits between two attempts. */
  async wait(delayMs: number, error: GuestTokenError, signal: AbortSignal): Promise<void> {
    await sleep(delayMs, AbortSignal.any([signal, this.#close(delayMs, error)]));
    this.#pause = undefined;
  }

  /** Begins a cool-down, longer with each failure, unless it is closed already. */
  roundFailed(error: GuestTokenError): void {
    if (this.untilOpenMs <= 0) this.#close(cooldownMs(this.#failedRounds++, error), error);
  }

  roundSucceeded(): void {
    this.#failedRounds = 0;
    this.#pause = undefined;
  }

  /**
   * Ends a pause.
   *
   * @param byHand a person asks: this ends a wait that the server named, too
   */
  open(byHand: boolean): void {
    if (this.#pause?.isNamed && !byHand) return;
    this.#pause?.end.abort();
    this.#pause = undefined;
  }

  /**
   * Counts a request that is about to leave.
   *
   * @throws GuestTokenError `rate_limited` for the eleventh within a minute
   */
  countRequest(): void {
    const waitMs = untilMs(this.#requests.at(-MAX_REQUESTS_PER_MINUTE));
    if (waitMs > 0) {
      const error = new GuestTokenError('rate_limited', 'Asked 10 times in a minute: a loop.', {
        retryAtMs: Date.now() + waitMs,
      });
      this.#close(waitMs, error);
      throw error;
    }
    const others = this.#requests.slice(1 - MAX_REQUESTS_PER_MINUTE);
    this.#requests = [...others, deadlineIn(MINUTE_MS)];
  }

  /** Whether a refused token may be replaced. */
  get mayReplace(): boolean {
    return untilMs(this.#refusedUntil) <= 0;
  }

  /**
   * Told whether a replacement was refused too: then there is a pause, longer each time, since one
   * forbidden endpoint must not cost good tokens for ever.
   */
  replaced(refusedToo: boolean): void {
    if (!refusedToo) this.#refusals = 0;
    else if (this.mayReplace) this.#refusedUntil = deadlineIn(cooldownMs(this.#refusals++));
  }
}
