import type { GuestTokenErrorCode } from './errors.ts';

/** What happened in a token's life. Never holds a token. */
export type GuestTokenEvent = GuestTokenEventDetail & {
  /** When: epoch ms on this machine's clock. */
  readonly atMs: number;
  /** A random name for the identity, for the life of the page: tells visitors apart, leads to none. */
  readonly identity: string;
};

export type GuestTokenEventDetail =
  /** A request leaves. `attempt` counts from 1; `fresh`: it asks for a replacement. */
  | { readonly type: 'acquiring'; readonly attempt: number; readonly fresh: boolean }
  /** A token came. */
  | {
      readonly type: 'acquired';
      readonly attempt: number;
      readonly lifeMs: number;
      readonly expiresAtMs: number;
    }
  /** Attempt number `attempt` failed with `code`; the next one comes after `delayMs`. */
  | {
      readonly type: 'retrying';
      readonly attempt: number;
      readonly delayMs: number;
      readonly code: GuestTokenErrorCode;
    }
  /** A round is over without a token; the next one comes by itself at `retryAtMs`. */
  | {
      readonly type: 'failed';
      readonly code: GuestTokenErrorCode;
      readonly retryAtMs: number | undefined;
    }
  /** The token in hand ran out before it could be replaced. */
  | { readonly type: 'expired'; readonly expiresAtMs: number }
  /** The token does not say when it ends; `fallbackTtlMs` was used. */
  | { readonly type: 'fallback-expiry'; readonly expiresAtMs: number }
  /** This machine's clock is ahead of the issuer's by `skewMs` (negative: behind). */
  | { readonly type: 'clock-skew'; readonly skewMs: number }
  /** A token came from another tab. */
  | { readonly type: 'shared'; readonly expiresAtMs: number }
  /** A server refused the token in hand; a replacement is asked for. */
  | { readonly type: 'rejected' }
  /** The visitor has left: the token is gone, in every tab. */
  | { readonly type: 'signed-out' }
  /** The session storage can't be used; tokens stay in memory. */
  | { readonly type: 'storage-failed' };

const names = new Map<string, string>();

/**
 * A random name for an identity, the same for as long as the page lives: it tells the visitors of a
 * log apart, and there is no way back to the id.
 */
export function identityHash(identity: string): string {
  const name = names.get(identity) ?? crypto.getRandomValues(new Uint32Array(2)).join('');
  // A page has a few; on a server there would be one for each visitor.
  if (names.size > 999) names.clear();
  names.set(identity, name);
  return name;
}
