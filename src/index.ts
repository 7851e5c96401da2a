'use client';

export {
  GuestTokenError,
  type GuestTokenErrorCode,
  type GuestTokenErrorDetails,
  isGuestTokenError,
} from './core/errors.ts';
export type { GuestTokenEvent, GuestTokenEventDetail } from './core/events.ts';
export { GuestToken, type GuestTokenReply } from './core/guestToken.ts';
export { type RetrySettings, retryDelayMs, shouldRetry } from './core/retryPolicy.ts';
export {
  type EndpointTokenSourceOptions,
  endpointTokenSource,
  type GuestTokenRequest,
  type GuestTokenSource,
  type GuestTokenSourceContext,
} from './core/tokenSource.ts';
export { GuestTokenProvider, type GuestTokenProviderProps } from './react/GuestTokenProvider.tsx';
export { useGuestFetch } from './react/useGuestFetch.ts';
export { type GuestTokenView, useGuestToken } from './react/useGuestToken.ts';
export {
  type SuspenseGuestTokenView,
  useSuspenseGuestToken,
} from './react/useSuspenseGuestToken.ts';
export type { GetTokenOptions } from './session/currentSession.ts';
export { type GuestTokenQueryOptions, guestTokenQueryOptions } from './session/guestTokenQuery.ts';
export type { KeepFresh } from './session/schedule.ts';
export type {
  GuestTokenConfig,
  GuestTokenQueryKey,
} from './session/settings.ts';
