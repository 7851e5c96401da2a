import type { GuestTokenError } from '../../src/index.ts';

/** What a visitor is told: what it means for them, and nothing that only the site's owner can mend. */
export function visitorText({ code }: GuestTokenError): string {
  switch (code) {
    case 'rate_limited':
      return 'We are very busy right now. Please wait a moment.';
    case 'unreachable':
    case 'timed_out':
      return 'We can’t reach the chat. Please check your connection.';
    case 'unavailable':
    case 'expired':
    case 'aborted':
      return 'The chat is down for a moment. We will try again.';
    default:
      return 'The chat is not available at the moment. Please contact us another way.';
  }
}
