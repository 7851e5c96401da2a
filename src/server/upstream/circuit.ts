import { toGuestTokenError } from '../../core/classify.ts';
import { GuestTokenError } from '../../core/errors.ts';
import { withJitter } from '../../core/retryPolicy.ts';
import type { BrokerEvent } from '../events.ts';
import { LimitExceeded } from '../limits/tooMany.ts';

/** Failures in a row that leave little doubt. */
const FAILURES = 5;

/** How long Genesys is left alone then; one call tries it after that. */
const OPEN_MS = 10_000;

/** Longer than that call can take. */
const TRIAL_MS = 10_000;

/** A 429 of a daily limit, or of a proxy that exaggerates, is tried again after this. */
const MAX_PAUSE_MS = 300_000;

/** Every other failure is an answer, so Genesys is there. */
const isNoAnswer = ({ code, retryAtMs }: GuestTokenError): boolean =>
  ['unavailable', 'unreachable', 'timed_out', 'aborted'].includes(code) ||
  (code === 'rate_limited' && retryAtMs === undefined);

export interface Circuit {
  /** @throws GuestTokenError with `retryAtMs`, while the circuit is open */
  check(): void;
  /** @throws GuestTokenError what `work` throws; at once, with `retryAtMs`, while the circuit is open */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Spares an upstream that fails, or has said when to come back, and the visitors who would wait for it. */
export function createCircuit(emit: (event: BrokerEvent) => void): Circuit {
  let failures = 0;
  let openUntilMs = 0;
  let code: GuestTokenError['code'] = 'unavailable';

  function open(why: GuestTokenError['code'], untilMs: number): void {
    code = why;
    openUntilMs = untilMs;
    emit({ type: 'circuit-opened', untilMs });
  }

  function succeeded(): void {
    if (failures >= FAILURES) {
      openUntilMs = 0;
      emit({ type: 'circuit-closed' });
    }
    failures = 0;
  }

  function pause(retryAtMs: number): void {
    const untilMs = Math.min(retryAtMs, Date.now() + MAX_PAUSE_MS);
    // Calls that were under way together are told the same: that is no news.
    if (untilMs > Math.max(openUntilMs + 1000, Date.now())) open('rate_limited', untilMs);
  }

  function failed(error: GuestTokenError, isTrial: boolean): void {
    if (!isNoAnswer(error)) {
      succeeded();
      if (error.code === 'rate_limited') pause(error.retryAtMs ?? 0);
      return;
    }
    failures++;
    // Not for those that were under way when it opened.
    if (failures === FAILURES || isTrial) open('unavailable', Date.now() + withJitter(OPEN_MS));
  }

  function check(): void {
    const leftMs = openUntilMs - Date.now();
    if (leftMs <= 0) return;
    throw new GuestTokenError(code, 'Genesys is left alone after it failed or asked for a pause.', {
      // jittered, so that those who are sent away do not come back together
      retryAtMs: Date.now() + withJitter(leftMs),
      reason: 'circuit_open',
      hint: 'The next request after that time tries it again.',
    });
  }

  return {
    check,
    async run(work) {
      check();
      const isTrial = failures >= FAILURES;
      if (isTrial) openUntilMs = Date.now() + TRIAL_MS;
      try {
        const result = await work();
        succeeded();
        return result;
      } catch (thrown) {
        const error = toGuestTokenError(thrown, 'The issuer');
        // A limit of the broker's own says nothing about Genesys.
        if (!(error instanceof LimitExceeded)) failed(error, isTrial);
        throw error;
      }
    },
  };
}
