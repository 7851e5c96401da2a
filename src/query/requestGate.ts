import {
  type Deadline,
  deadlineIn,
  elapsedMs,
  type Instant,
  readClock,
  untilMs,
} from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import { cooldownMs } from '../core/retryPolicy.ts';

/** A source that is asked more often than this is asked in a loop, whatever the cause. */
const MAX_REQUESTS_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

/** Decides when a session may ask its source: after failures not at once, and never in a loop. */
export class RequestGate {
  #failedRounds = 0;
  #cooldown: (Deadline & { readonly error: GuestTokenError }) | undefined;
  #requests: Instant[] = [];
  #refusals: (Deadline & { readonly level: number; again: boolean }) | undefined;

  /** Ms until automatic callers may ask; 0 or less: now. */
  untilOpenMs(now?: Instant): number {
    return untilMs(this.#cooldown, now);
  }

  /** What automatic callers get during a cool-down. */
  get error(): GuestTokenError | undefined {
    return this.untilOpenMs() > 0 ? this.#cooldown?.error : undefined;
  }

  /** When the next automatic attempt comes: epoch ms. */
  get opensAtMs(): number | undefined {
    const cooldown = this.#cooldown;
    return cooldown && this.untilOpenMs() > 0
      ? cooldown.since.wallMs + cooldown.delayMs
      : undefined;
  }

  roundFailed(error: GuestTokenError): void {
    this.#failedRounds++;
    this.#cooldown = { ...deadlineIn(cooldownMs(this.#failedRounds, error)), error };
  }

  roundSucceeded(): void {
    this.#failedRounds = 0;
    this.#cooldown = undefined;
  }

  /**
   * Ends the cool-down.
   *
   * @param byHand a person asks: this ends a wait that the server named, too
   */
  open(byHand: boolean): void {
    if (byHand || this.#cooldown?.error.retryAtMs === undefined) this.#cooldown = undefined;
  }

  /**
   * Counts a request that is about to leave.
   *
   * @throws GuestTokenError `rate_limited` for the eleventh within a minute
   */
  countRequest(): void {
    const now = readClock();
    this.#requests = this.#requests.filter((at) => elapsedMs(at, now) < MINUTE_MS);
    const [oldest] = this.#requests;
    if (oldest && this.#requests.length >= MAX_REQUESTS_PER_MINUTE) {
      throw new GuestTokenError(
        'rate_limited',
        `Asked ${MAX_REQUESTS_PER_MINUTE} times in a minute: something asks in a loop.`,
        { retryAtMs: now.wallMs + MINUTE_MS - elapsedMs(oldest, now) },
      );
    }
    this.#requests.push(now);
  }

  /**
   * Whether a refused token may be replaced. After a replacement there is a pause, longer each time
   * that the replacement was refused too: one forbidden endpoint must not cost good tokens for ever.
   */
  mayReplaceRefused(): boolean {
    const pause = this.#refusals;
    if (pause && untilMs(pause) > 0) {
      pause.again = true;
      return false;
    }
    const level = pause?.again ? pause.level + 1 : 1;
    const error = new GuestTokenError('unauthorized', 'Refused.');
    this.#refusals = { ...deadlineIn(cooldownMs(level, error)), level, again: false };
    return true;
  }
}
