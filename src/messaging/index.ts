export type { GuestTokenErrorCode } from '../core/errors.ts';
export type { GuestTokenReply } from '../core/guestToken.ts';
export type {
  GuestTokenRequest,
  GuestTokenSource,
  GuestTokenSourceContext,
} from '../core/tokenSource.ts';
export type { WebMessagingSocket, WebMessagingTokenSourceOptions } from './getJwt.ts';
export { webMessagingTokenSource } from './webMessagingTokenSource.ts';
