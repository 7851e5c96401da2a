import type { GuestTokenEvent } from '../core/events.ts';
import { duration } from './duration.ts';

/** What an event says, in words; its type stands beside it. */
export function describeEvent(event: GuestTokenEvent): string {
  switch (event.type) {
    case 'acquiring':
      return `Attempt ${event.attempt}${event.fresh ? ', for a new token' : ''}.`;
    case 'acquired':
      return `A token for ${duration(event.lifeMs)}.`;
    case 'retrying':
      return `Attempt ${event.attempt} failed with ${event.code}. Next one in ${duration(event.delayMs)}.`;
    case 'failed':
      return event.retryAtMs === undefined
        ? `No token: ${event.code}.`
        : `No token: ${event.code}. Next acquisition in ${duration(event.retryAtMs - event.atMs)}.`;
    case 'expired':
      return 'The token ran out before it was replaced.';
    case 'fallback-expiry':
      return 'The token does not say when it ends; fallbackTtlMs is used.';
    case 'clock-skew':
      return event.skewMs > 0
        ? `This machine’s clock is ${duration(event.skewMs)} ahead.`
        : `This machine’s clock is ${duration(-event.skewMs)} behind.`;
    case 'shared':
      return 'A token came from another tab.';
    case 'rejected':
      return 'A server refused the token.';
    case 'signed-out':
      return 'The visitor has left.';
    case 'storage-failed':
      return 'The session storage can’t be used; tokens stay in memory.';
  }
}

/** Such as "08:00:00", in UTC, so that a report means the same to everybody who reads it. */
export function timeOfDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
