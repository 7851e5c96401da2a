import type { GuestTokenErrorCode } from '../core/errors.ts';

/** What the broker did, for logs and counts. Never holds a token, a secret or an external id. */
export type BrokerEvent =
  /** A token came from the issuer. `identity` is a hash of the visitor. */
  | {
      readonly type: 'issued';
      readonly identity: string;
      readonly lifeMs: number;
      readonly tookMs: number;
    }
  /** A token came from the pool, or from a request that was under way. */
  | { readonly type: 'pooled'; readonly identity: string }
  /** A request was refused or failed. */
  | {
      readonly type: 'failed';
      readonly code: GuestTokenErrorCode;
      readonly status: number;
      readonly contextId: string | undefined;
    }
  /** The pool could not be reached; the broker went on without it. */
  | { readonly type: 'pool-unavailable' }
  /** Too many failures in a row: Genesys is left alone until `untilMs` (epoch ms). */
  | { readonly type: 'circuit-opened'; readonly untilMs: number };
