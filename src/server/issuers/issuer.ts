import type { GuestTokenReply } from '../../core/guestToken.ts';
import type { OnUpstreamCall } from '../upstream/timedFetch.ts';

/** Who is asked for, after `authorize` has decided it. */
export interface IssueRequest {
  readonly externalId: string;
  /** What the browser named, else the issuer's own. */
  readonly channelId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface IssueContext {
  /** Aborts when the upstream call has taken too long. */
  readonly signal: AbortSignal;
  /**
   * Waits until one more upstream call may be made, and counts it against `limits.upstream`. The first
   * time it returns at once: one call is counted anyway. An issuer that makes several, such as a login
   * and what it is for, awaits it before each.
   */
  readonly turn?: (() => Promise<void>) | undefined;
  /** To be told of each call to the upstream when it is over; the broker makes events of them. */
  readonly onCall?: OnUpstreamCall | undefined;
}

/** A reply for the browser, and what stays on the server. */
export interface IssuedToken extends GuestTokenReply {
  /** Kept in the pool for `refresh` and `revoke`; it never reaches a browser. */
  refresh_token?: string | undefined;
  /** Seconds of life of the refresh token. Default 86,400 (Genesys'). */
  refresh_expires_in?: number | undefined;
}

/**
 * Something that hands out guest tokens. May throw what a `GuestTokenSource` may throw.
 *
 * @example
 * const issuer: GuestTokenIssuer = {
 *   issue: async ({ externalId }) => ({ id: externalId, token: await mint(externalId), expires_in: 900 }),
 * };
 */
export interface GuestTokenIssuer {
  /**
   * Names the organisation, region and client that the tokens are of, such as API host and client id:
   * no token and no count of one scope reaches another. Default: none, for a pool of one issuer.
   */
  readonly scope?: string | undefined;
  /** True: attributes have no part in a token, so that others need no other token. Default false. */
  readonly ignoresAttributes?: boolean | undefined;
  /** For requests that name no channel. Default `webchat-default`. */
  readonly channelId?: string | undefined;
  issue(request: IssueRequest, context: IssueContext): Promise<IssuedToken>;
  /** Renews without the visitor; called instead of `issue` where the previous reply has a refresh token. */
  refresh?(previous: IssuedToken, context: IssueContext): Promise<IssuedToken>;
  /**
   * For readiness checks: resolves when it could issue a token now, without issuing one, and throws
   * what `issue` would throw. Awaits `turn` before each call that it makes, the first one too.
   */
  ready?(context: IssueContext): Promise<void>;
  /** Ends a token at sign-out. */
  revoke?(previous: IssuedToken, context: IssueContext): Promise<void>;
}
