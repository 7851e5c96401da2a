import { GuestTokenError } from '../../core/errors.ts';
import type { BrokerEvent } from '../events.ts';
import type { ProblemReason } from '../problem.ts';

export type Emit = (event: BrokerEvent) => void;

type Limit = Extract<BrokerEvent, { type: 'limited' }>['limit'];

const messages: Record<Limit, string> = {
  visitor: 'Too many requests of this visitor.',
  ip: 'Too many requests from this address.',
  'new-visitors': 'Too many new visitors from this address.',
  upstream: 'Too many new visitors at once.',
};

const reasons: Record<Limit, ProblemReason> = {
  visitor: 'visitor_limit',
  ip: 'address_limit',
  'new-visitors': 'new_visitors_limit',
  upstream: 'upstream_limit',
};

/** A refusal of one of the broker's own limits; Genesys has nothing to do with it. */
export class LimitExceeded extends GuestTokenError {}

/** The error of a request that a limit refuses, after telling the operator. */
export function tooMany(emit: Emit, limit: Limit, retryInMs: number): LimitExceeded {
  const retryAtMs = Date.now() + retryInMs;
  emit({ type: 'limited', limit, retryAtMs });
  return new LimitExceeded('rate_limited', messages[limit], {
    retryAtMs,
    reason: reasons[limit],
    hint: 'Ask again after Retry-After; the client does so by itself.',
  });
}
