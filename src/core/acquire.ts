import { toGuestTokenError } from './classify.ts';
import type { GuestTokenError } from './errors.ts';
import { isRefusal, type RetryPolicy, retryDelayMs, shouldRetry } from './retryPolicy.ts';

/**
 * Attempts until there is an answer, as often and as long as the policy allows. The loop is here and
 * not in React Query because that one pauses its retries in hidden tabs.
 *
 * @param ready called before each attempt, from 1; what it throws ends the acquisition
 * @param ask asks once and reads the answer; `refused`: the attempt before was answered 401 or 403
 * @param pause called after a failed attempt; it may come back early
 * @param failures attempts that count as failed already
 * @throws GuestTokenError the last attempt's failure
 */
export async function acquire<Token>(
  policy: RetryPolicy,
  ready: (attempt: number) => Promise<void>,
  ask: (attempt: number, refused: boolean) => Promise<Token>,
  pause: (attempt: number, error: GuestTokenError, delayMs: number) => Promise<void>,
  failures = 0,
): Promise<Token> {
  let failed = failures;
  let refusals = 0;
  for (let attempt = 1; ; attempt++) {
    await ready(attempt);
    try {
      return await ask(attempt, refusals > 0);
    } catch (thrown) {
      const error = toGuestTokenError(thrown);
      // Counted apart: a refusal is answered at once, and once, however many time-outs came before.
      const count = isRefusal(error) ? refusals++ : failed++;
      if (!shouldRetry(count, error, policy)) throw error;
      await pause(attempt, error, retryDelayMs(count, error, policy));
    }
  }
}
