import { toGuestTokenError } from './classify.ts';
import type { GuestTokenError } from './errors.ts';
import { isRefusal, type RetryPolicy, retryDelayMs, shouldRetry } from './retryPolicy.ts';

export interface Round<Token> {
  readonly retry: RetryPolicy;
  /** Aborts when nobody wants the token any more: the round ends with the attempt under way. */
  readonly signal: AbortSignal;
  /** Before each attempt, from 1; what it throws ends the round. */
  ready(attempt: number): Promise<void>;
  /**
   * Asks once, and reads the answer.
   *
   * @param refused the attempt before was answered 401 or 403
   */
  ask(attempt: number, refused: boolean): Promise<Token>;
  /** Waits after a failed attempt; it may come back early. */
  pause(attempt: number, error: GuestTokenError, delayMs: number): Promise<void>;
}

/**
 * One round: asks until there is an answer, as often and as long as the policy allows. The loop is
 * here and not in React Query because that one pauses its retries in hidden tabs.
 *
 * @throws GuestTokenError the last attempt's failure
 */
export async function acquire<Token>(round: Round<Token>): Promise<Token> {
  const { retry, signal } = round;
  let failures = 0;
  let refusals = 0;
  for (let attempt = 1; ; attempt++) {
    await round.ready(attempt);
    try {
      return await round.ask(attempt, refusals > 0);
    } catch (thrown) {
      const error = toGuestTokenError(thrown);
      // Counted apart: a refusal is answered at once, and once, however many time-outs came before.
      const count = isRefusal(error) ? refusals++ : failures++;
      if (signal.aborted || !shouldRetry(count, error, retry)) throw error;
      await round.pause(attempt, error, retryDelayMs(count, error, retry));
    }
  }
}
