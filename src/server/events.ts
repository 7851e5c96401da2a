import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import type { GuestTokenErrorCode } from '../core/errors.ts';
import type { UpstreamCall } from './upstream/timedFetch.ts';

/**
 * What the broker did, for logs and counts. Never holds a token, a secret or an external id. Each
 * request but a preflight gives one of `issued`, `pooled` and `failed`.
 */
export type BrokerEvent =
  /**
   * A token came from the issuer. `identity` is a keyed hash of the visitor's id: the same for the same
   * visitor, with no way back for anybody who has not got `identityKey`.
   */
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
      /** Why exactly, as a slug such as `foreign_origin`: the `reason` of the problem document. */
      readonly reason: string | undefined;
      /** The origin that was refused, where that is the reason. */
      readonly origin: string | undefined;
      readonly contextId: string | undefined;
      /** The name of the error that code of yours threw, such as `TypeError`; its message may hold anything. */
      readonly thrown: string | undefined;
    }
  /**
   * A call to Genesys is over: `operation` is `login`, `visitor`, `exchange`, `refresh` or `revoke`,
   * `status` undefined where no answer came, `tookMs` until its answer began.
   */
  | ({ readonly type: 'upstream-call' } & UpstreamCall)
  /** So many calls to Genesys wait for their turn; told when that changes. */
  | { readonly type: 'upstream-queue'; readonly waiting: number }
  /** One of the limits said no; a `failed` follows. `retryAtMs` (epoch ms): when it is worth another try. */
  | {
      readonly type: 'limited';
      readonly limit: 'visitor' | 'ip' | 'new-visitors' | 'upstream';
      readonly retryAtMs: number;
    }
  /** There is a limit per address, and a request without one; told once. */
  | { readonly type: 'address-unknown' }
  /** The pool could not be reached; the broker went on without it. */
  | {
      readonly type: 'pool-unavailable';
      /** The name of the error that the pool threw; its message may hold anything. */
      readonly thrown: string | undefined;
    }
  /**
   * The pool holds something that this machine can't read, which counts as missing: another machine
   * encrypts with a key that this one does not have. Told once a minute.
   */
  | { readonly type: 'pool-unreadable' }
  /**
   * Genesys is left alone until `untilMs` (epoch ms): for one channel after failures in a row of
   * several visitors, for all (`channelId` is undefined) after a 429.
   */
  | {
      readonly type: 'circuit-opened';
      readonly untilMs: number;
      readonly channelId: string | undefined;
    }
  /** Genesys works again after failures in a row. */
  | { readonly type: 'circuit-closed'; readonly channelId: string };

/** How often a listener that throws is reported. */
const REPORT_EVERY_MS = 60_000;

/**
 * Tells the listener, whose mistakes cost no visitor the token: they are reported by `console.error`,
 * once a minute. (`reportError` would end a Deno process.)
 */
export function createEmitter(
  onEvent: ((event: BrokerEvent) => unknown) | undefined,
): (event: BrokerEvent) => void {
  if (!onEvent) return () => undefined;
  let failures = 0;
  let nextReport: Deadline | undefined;

  function report(error: unknown): void {
    failures++;
    if (nextReport !== undefined && untilMs(nextReport) > 0) return;
    nextReport = deadlineIn(REPORT_EVERY_MS);
    console.error(`react-guest-token: onEvent has failed, ${times(failures)}.`, error);
    failures = 0;
  }

  return (event) => {
    try {
      const result = onEvent(event);
      // An async listener that rejects would end the process.
      if (result instanceof Object && 'then' in result) Promise.resolve(result).catch(report);
    } catch (error) {
      report(error);
    }
  };
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times since the last report`;
}
