import type { GuestTokenEventDetail } from '../core/events.ts';
import { NOTABLE_SKEW_MS } from '../core/expiry.ts';
import type { SessionEvent, SessionState } from './state.ts';
import { viewOf } from './view.ts';

/** What `onEvent` is told of a change of the state. */
export function publicEvents(
  event: SessionEvent,
  before: SessionState,
  after: SessionState,
): readonly GuestTokenEventDetail[] {
  switch (event.type) {
    case 'request-sent':
      return [{ type: 'acquiring', attempt: event.attempt, fresh: event.fresh }];
    case 'attempt-failed': {
      const { attempt, delayMs, error } = event;
      return [{ type: 'retrying', attempt, delayMs, code: error.code }];
    }
    case 'acquisition-failed': {
      const { retryAtMs } = viewOf(after);
      return [{ type: 'failed', code: event.error.code, retryAtMs }];
    }
    case 'token-acquired': {
      const { attempt, token } = event;
      if (token === before.latest) return [];
      const { expiresAtMs, lifeMs, clockSkewMs: skewMs } = token;
      const events: GuestTokenEventDetail[] = [{ type: 'acquired', attempt, lifeMs, expiresAtMs }];
      if (token.expirySource === 'fallback')
        events.unshift({ type: 'fallback-expiry', expiresAtMs });
      if (Math.abs(skewMs - (before.latest?.clockSkewMs ?? 0)) >= NOTABLE_SKEW_MS) {
        events.unshift({ type: 'clock-skew', skewMs });
      }
      return events;
    }
    case 'token-shared':
      return [{ type: 'shared', expiresAtMs: event.token.expiresAtMs }];
    case 'token-expired':
      return before.held ? [{ type: 'expired', expiresAtMs: before.held.token.expiresAtMs }] : [];
    case 'token-rejected':
      return after.held === before.held ? [] : [{ type: 'rejected' }];
    case 'signed-out':
      return [{ type: 'signed-out' }];
    default:
      return [];
  }
}
