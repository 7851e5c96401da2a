import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import { cooldownMs } from '../core/retryPolicy.ts';
import { sleep } from '../core/waits.ts';

/** A source that is asked more often than this is asked in a loop, whatever the cause. */
const MAX_REQUESTS_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

/** Ms after a pause for refused replacements until the next one is as short as the first. */
const FORGIVEN_AFTER_MS = 5 * MINUTE_MS;

/** Decides when a session may ask its source: after failures not at once, and never in a loop. */
export class RequestGate {
  #failedRounds = 0;
  /** The end of a pause: between two attempts, or after a round that failed. */
  #closedUntil: Deadline = 0;
  #opensAtMs = 0;
  /** The server has named the length of the pause. */
  #isNamed = false;
  #waiting = new AbortController();
  /** When the latest requests will be a minute ago. */
  #requests: readonly Deadline[] = [];
  #refusals = 0;
  #refusedUntil: Deadline = 0;

  /** Ms until automatic callers may ask; 0 or less: now. */
  get closedForMs(): number {
    return untilMs(this.#closedUntil);
  }

  /** When it opens by itself: epoch ms; undefined where it is open. */
  get opensAtMs(): number | undefined {
    return this.closedForMs > 0 ? this.#opensAtMs : undefined;
  }

  #close(delayMs: number, { retryAtMs }: GuestTokenError): void {
    this.#closedUntil = deadlineIn(delayMs);
    this.#opensAtMs = Date.now() + delayMs;
    this.#isNamed = retryAtMs !== undefined;
  }

  /** Waits between two attempts. */
  async wait(delayMs: number, error: GuestTokenError): Promise<void> {
    this.#close(delayMs, error);
    this.#waiting = new AbortController();
    await sleep(delayMs, this.#waiting.signal);
    this.#closedUntil = 0;
  }

  /** Begins a cool-down, longer with each failure, unless it is closed already. */
  failed(error: GuestTokenError): void {
    if (this.closedForMs <= 0) this.#close(cooldownMs(this.#failedRounds++, error), error);
  }

  succeeded(): void {
    this.#failedRounds = this.#closedUntil = 0;
  }

  /**
   * Ends a pause.
   *
   * @param byHand a person asks: this ends a wait that the server named, too
   */
  open(byHand: boolean): void {
    if (this.#isNamed && !byHand) return;
    this.#closedUntil = 0;
    this.#waiting.abort();
  }

  /**
   * Counts a request that is about to leave.
   *
   * @throws GuestTokenError `rate_limited` for the eleventh within a minute
   */
  count(): void {
    const waitMs = untilMs(this.#requests.at(-MAX_REQUESTS_PER_MINUTE));
    if (waitMs > 0) {
      const error = new GuestTokenError('rate_limited', 'Asked 10 times in a minute.', {
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
    return this.closedForMs <= 0 && untilMs(this.#refusedUntil) <= 0;
  }

  /**
   * A replacement was refused, too: begins a pause, longer each time, since one forbidden endpoint
   * must not cost good tokens for ever. A calm stretch after a pause ends the count.
   */
  replacementRefused(): void {
    if (!this.mayReplace) return;
    if (untilMs(this.#refusedUntil) < -FORGIVEN_AFTER_MS) this.#refusals = 0;
    this.#refusedUntil = deadlineIn(cooldownMs(this.#refusals++));
  }
}
