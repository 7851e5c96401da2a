export type { Instant } from './clock.ts';
export {
  GuestTokenError,
  type GuestTokenErrorCode,
  type GuestTokenErrorDetails,
  isGuestTokenError,
} from './errors.ts';
export type { GuestTokenEvent, GuestTokenEventDetail } from './events.ts';
export { createGuestFetch, type GuestFetchOptions, type GuestFetchSession } from './guestFetch.ts';
export {
  GuestToken,
  type GuestTokenReply,
  type ReadGuestTokenOptions,
  readGuestToken,
} from './guestToken.ts';
export { type RetrySettings, retryDelayMs, shouldRetry } from './retryPolicy.ts';
export {
  type EndpointTokenSourceOptions,
  endpointTokenSource,
  type GuestTokenRequest,
  type GuestTokenSource,
  type GuestTokenSourceContext,
} from './tokenSource.ts';
