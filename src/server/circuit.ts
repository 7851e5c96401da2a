import { toGuestTokenError } from '../core/classify.ts';
import { GuestTokenError } from '../core/errors.ts';
import { withJitter } from '../core/retryPolicy.ts';
import type { BrokerEvent } from './brokerEvents.ts';

/** Failures in a row that leave little doubt. */
const FAILURES = 5;

/** How long Genesys is left alone then; one call tries it after that. */
const OPEN_MS = 10_000;

export interface Circuit {
  /** @throws GuestTokenError what `work` throws; at once, with `retryAtMs`, while the circuit is open */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Spares an upstream that fails, or has said when to come back, and the visitors who would wait for it. */
export function createCircuit(emit: (event: BrokerEvent) => void): Circuit {
  let failures = 0;
  let openUntilMs = 0;
  let code: 'unavailable' | 'rate_limited' = 'unavailable';

  function open(untilMs: number): void {
    openUntilMs = untilMs;
    emit({ type: 'circuit-opened', untilMs });
  }

  function count(error: GuestTokenError): void {
    if (error.code === 'rate_limited' && error.retryAtMs !== undefined) {
      code = 'rate_limited';
      open(error.retryAtMs);
      return;
    }
    if (!['unavailable', 'unreachable', 'timed_out'].includes(error.code)) return;
    failures++;
    if (failures < FAILURES) return;
    code = 'unavailable';
    open(Date.now() + withJitter(OPEN_MS));
  }

  return {
    async run(work) {
      if (openUntilMs > Date.now()) {
        throw new GuestTokenError(
          code,
          'Genesys is left alone after it failed or asked for a pause.',
          {
            retryAtMs: openUntilMs,
            hint: 'The next request after that time tries it again.',
          },
        );
      }
      try {
        const result = await work();
        failures = 0;
        return result;
      } catch (thrown) {
        const error = toGuestTokenError(thrown, 'The issuer');
        count(error);
        throw error;
      }
    },
  };
}
