export { GuestTokenError, type GuestTokenErrorCode, isGuestTokenError } from '../core/errors.ts';
export type { GuestTokenReply } from '../core/guestToken.ts';
export { type AnonymousVisitorsOptions, anonymousVisitors } from './anonymousVisitors.ts';
export type { Authorize, AuthorizedVisitor } from './authorize.ts';
export {
  createGuestTokenBroker,
  type GuestTokenBroker,
  type GuestTokenBrokerOptions,
} from './createGuestTokenBroker.ts';
export type { BrokerEvent } from './events.ts';
export {
  type AuthenticatedWebMessagingOptions,
  authenticatedWebMessaging,
  type SignInGrant,
} from './issuers/authenticatedWebMessaging.ts';
export type {
  GuestTokenIssuer,
  IssueContext,
  IssuedToken,
  IssueRequest,
} from './issuers/issuer.ts';
export { type WebchatVisitorsOptions, webchatVisitors } from './issuers/webchatVisitors.ts';
export type { BrokerLimits } from './limits/brokerLimits.ts';
export { type MemoryTokenPoolOptions, memoryTokenPool } from './pool/memoryTokenPool.ts';
export {
  type RedisClient,
  type RedisTokenPoolOptions,
  redisTokenPool,
} from './pool/redisTokenPool.ts';
export type { PooledToken, TokenPool } from './pool/tokenPool.ts';
export type { UpstreamCall } from './upstream/timedFetch.ts';
