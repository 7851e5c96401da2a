import { misconfigured } from '../core/errors.ts';

/** What a client can ask for on an open socket: the `action` of its frames. */
export const socketActions = [
  'configureSession',
  'configureAuthenticatedSession',
  'getJwt',
  'echo',
  'onMessage',
] as const;

export type SocketAction = (typeof socketActions)[number];

/** What the sandbox plays. A fault is switched on for one of these. */
const SANDBOX_OPERATIONS = [
  /** `POST /oauth/token` on the login host */
  'login',
  /** `POST /api/v2/webchat/visitors` */
  'visitor',
  /** `POST /api/v2/webchat/guest/conversations` */
  'createConversation',
  /** reading and writing its messages, with the guest token or the conversation's own JWT */
  'conversation',
  /** `POST /api/v2/webdeployments/token/oauthcodegrantjwtexchange` */
  'exchange',
  /** `POST /api/v2/webdeployments/token/refresh` */
  'refresh',
  /** `DELETE /api/v2/webdeployments/token/revoke` */
  'revoke',
  /** `GET /api/v2/webmessaging/messages`, with the JWT of `getJwt` */
  'history',
  /** opening the Web Messaging socket, `/v1` */
  'connect',
  // and the frames that a client sends on it
  ...socketActions,
] as const;

export type SandboxOperation = (typeof SANDBOX_OPERATIONS)[number];

/** How a 429 says when to come back: RFC 9110's two forms, Genesys' socket form, and what proxies make of them. */
export type RetryAfterForm = 'seconds' | 'http-date' | 'body' | 'junk' | 'none';

/** Something that goes wrong at Genesys. Plain data, so that a story's args or a flag can hold it. */
export type SandboxFault =
  /** 429. `seconds` (default 2) until the next try; `retryAfter` (default `"seconds"`) how it is said. */
  | {
      readonly kind: 'rate-limited';
      readonly seconds?: number;
      readonly retryAfter?: RetryAfterForm;
    }
  /** 401; `code` by default `bad.credentials`, at login OAuth's `invalid_client`. */
  | { readonly kind: 'unauthorized'; readonly code?: string }
  /** 403; `code` by default `missing.permissions`, i.e. the OAuth client lacks the role. */
  | { readonly kind: 'forbidden'; readonly code?: string }
  /** Any other failing status, on the socket any code, such as 4006; default 503. */
  | { readonly kind: 'unavailable'; readonly status?: number }
  /** No answer, until the caller gives up. */
  | { readonly kind: 'hang' }
  /** The right answer, `delayMs` later (default 1,500). */
  | { readonly kind: 'slow'; readonly delayMs?: number }
  /** The connection breaks. */
  | { readonly kind: 'cut' }
  /** A page of HTML (on the socket: in place of a frame), with `status` (default 200), as captive portals and proxies answer. */
  | { readonly kind: 'html'; readonly status?: number }
  /** A token that is no JWT. Lives `lifeSeconds`, default 86,400: Genesys' fixed life. */
  | { readonly kind: 'opaque-token'; readonly lifeSeconds?: number }
  /** A reply with `"token": ""`. */
  | { readonly kind: 'empty-token' }
  /** Genesys' clock is ahead by `offsetMs` (default 7,200,000; negative: behind). */
  | { readonly kind: 'wrong-clock'; readonly offsetMs?: number }
  /** A token, or a Web Messaging session, that lives `lifeSeconds` (default 30). */
  | { readonly kind: 'short-life'; readonly lifeSeconds?: number }
  /** A token that ended a minute ago. */
  | { readonly kind: 'expired-token' }
  /** A token whose end is said in ms, in place of seconds. */
  | { readonly kind: 'exp-in-ms' }
  /** On the socket: an answer of a class that no client knows. */
  | { readonly kind: 'unknown-class' }
  /** On the socket: an answer with the `tracingId` of another request. */
  | { readonly kind: 'foreign-tracing-id' };

export type SandboxFaultKind = SandboxFault['kind'];

/** `'hang'` is short for `{ kind: 'hang' }`. */
export type SandboxFaultInput = SandboxFault | SandboxFaultKind;

export interface SandboxFaultSwitches {
  /**
   * With `times`: the next so many requests of this operation get the fault, after those that were
   * queued before. Without: it stays on, once the queue is empty, until `clear` or another one
   * replaces it.
   *
   * @throws GuestTokenError `misconfigured`
   */
  set(operation: SandboxOperation, fault: SandboxFaultInput, limit?: { times?: number }): void;
  /** Switches off the faults of one operation, or of all. */
  clear(operation?: SandboxOperation): void;
  /** The fault that one more request of this operation gets. */
  take(operation: SandboxOperation): SandboxFault | undefined;
}

interface Switch {
  queue: { fault: SandboxFault; times: number }[];
  lasting: SandboxFault | undefined;
}

export function createFaultSwitches(): SandboxFaultSwitches {
  const switches = new Map<SandboxOperation, Switch>();

  function of(operation: SandboxOperation): Switch {
    const found = switches.get(operation) ?? { queue: [], lasting: undefined };
    switches.set(operation, found);
    return found;
  }

  return {
    set(operation, input, { times } = {}) {
      if (!SANDBOX_OPERATIONS.includes(operation)) {
        throw misconfigured('operation', `must be one of ${SANDBOX_OPERATIONS.join(', ')}`);
      }
      const fault: SandboxFault = typeof input === 'string' ? { kind: input } : input;
      if (times === undefined) of(operation).lasting = fault;
      else if (Number.isInteger(times) && times > 0) of(operation).queue.push({ fault, times });
      else throw misconfigured('times', 'must be a whole number above 0');
    },
    clear(operation) {
      if (operation) switches.delete(operation);
      else switches.clear();
    },
    take(operation) {
      const { queue, lasting } = of(operation);
      const next = queue[0];
      if (!next) return lasting;
      next.times -= 1;
      if (next.times === 0) queue.shift();
      return next.fault;
    },
  };
}

/** What a cut connection looks like to `fetch`: a TypeError, as in every browser. */
export class ConnectionCut extends TypeError {
  constructor() {
    super('The sandbox cut the connection.');
  }
}
