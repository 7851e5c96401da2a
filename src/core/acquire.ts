import { toGuestTokenError } from './classify.ts';
import type { Instant } from './clock.ts';
import { readClock } from './clock.ts';
import { GuestTokenError } from './errors.ts';
import { isRefusal, type RetryPolicy, retryDelayMs, shouldRetry } from './retryPolicy.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  type GuestTokenRequest,
  type GuestTokenSource,
  withTimeout,
} from './tokenSource.ts';

export interface Acquisition<Token> {
  readonly source: GuestTokenSource;
  readonly request: GuestTokenRequest;
  readonly retry: RetryPolicy;
  /** Ends the round: the visitor has changed, or nobody is left. */
  readonly signal: AbortSignal;
  /** Called before each request, from 1, and waited for; what it throws ends the round. */
  readonly ready: (attempt: number) => Promise<void>;
  /** Called when a request failed and another one follows after `delayMs`. */
  readonly onRetry: (attempt: number, error: GuestTokenError, delayMs: number) => void;
  /** Reads a reply; what it throws counts as the attempt's failure. */
  readonly read: (reply: unknown, requestedAt: Instant, attempt: number) => Token;
  /** Waits between attempts; it may come back early. */
  readonly wait: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/**
 * One round: asks the source until it answers, as often and as long as the policy allows. The loop
 * is here and not in React Query because that one pauses its retries in hidden tabs.
 *
 * @throws GuestTokenError the last attempt's failure, or `aborted`
 */
export async function acquire<Token>(round: Acquisition<Token>): Promise<Token> {
  let failures = 0;
  let refusals = 0;
  for (let attempt = 1; ; attempt++) {
    await round.ready(attempt);
    if (round.signal.aborted) throw cancelled();
    try {
      return await attemptOnce(round, attempt, refusals > 0);
    } catch (thrown) {
      if (round.signal.aborted) throw cancelled();
      const error = toGuestTokenError(thrown);
      // Counted apart: a refusal is answered at once, and once, however many time-outs came before.
      const count = isRefusal(error) ? refusals++ : failures++;
      if (!shouldRetry(count, error, round.retry)) throw error;
      const delayMs = retryDelayMs(count, error, round.retry);
      round.onRetry(attempt, error, delayMs);
      if (delayMs > 0) await round.wait(delayMs, round.signal);
      if (round.signal.aborted) throw cancelled();
    }
  }
}

async function attemptOnce<Token>(
  { source, request, signal, read }: Acquisition<Token>,
  attempt: number,
  refused: boolean,
): Promise<Token> {
  const requestedAt = readClock();
  const reply = await withTimeout(ATTEMPT_TIMEOUT_MS, signal, 'The source', (limited) =>
    source(request, { signal: limited, refused }),
  );
  return read(reply, requestedAt, attempt);
}

function cancelled(): GuestTokenError {
  return new GuestTokenError('aborted', 'The round was ended.');
}
