import { toGuestTokenError } from '../../core/classify.ts';
import { GuestTokenError } from '../../core/errors.ts';
import { withTimeout } from '../../core/waits.ts';
import { canonicalJson } from '../canonicalJson.ts';
import type { BrokerEvent } from '../events.ts';
import { createHashedKeys } from '../hashedKeys.ts';
import type { IdentityHash } from '../identityHash.ts';
import type {
  GuestTokenIssuer,
  IssueContext,
  IssuedToken,
  IssueRequest,
} from '../issuers/issuer.ts';
import type { Turn, UpstreamPacer } from '../limits/upstreamPacer.ts';
import type { ProblemReason } from '../problem.ts';
import { nowMs } from '../serverClock.ts';
import type { Circuit } from '../upstream/circuit.ts';
import type { UpstreamCall } from '../upstream/timedFetch.ts';
import { canBeHandedOut, toPooledToken, type Wanted } from './pooledToken.ts';
import type { PooledToken, TokenPool } from './tokenPool.ts';
import { createTolerantPool } from './tolerantPool.ts';

/** All upstream calls of one token together; less than the 10 s that our client gives an attempt. */
const ISSUE_TIMEOUT_MS = 9_000;

type VisitorOfChannel = Pick<IssueRequest, 'externalId' | 'channelId'>;

interface TokenWish {
  readonly request: IssueRequest;
  /** What `authorize` decided of the attributes: a token of others is not handed out. */
  readonly decided: Readonly<Record<string, unknown>> | undefined;
  /** Whether the browser asks for a new token. */
  readonly fresh: boolean;
  /** The address or visitor that shares the limit for calls with the others. */
  readonly who: string;
}

export interface PooledIssuer {
  /** A token of a visitor: from the pool, from a request under way, or a new one. */
  obtain(wish: TokenWish): Promise<PooledToken>;
  /**
   * Forgets a visitor's token and has the issuer revoke it.
   *
   * @throws GuestTokenError `unavailable` where the pool can't forget it, else what `revoke` throws
   */
  signOut(visitor: VisitorOfChannel): Promise<void>;
  /** @throws what keeps the issuer from issuing anything */
  ready(): Promise<void>;
}

interface Parts {
  readonly issuer: GuestTokenIssuer;
  readonly pool: TokenPool;
  readonly pacer: UpstreamPacer;
  readonly circuit: Circuit;
  readonly emit: (event: BrokerEvent) => void;
  /** Undefined where nobody listens to events. */
  readonly identityOf: IdentityHash | undefined;
}

/** A wish, and what follows from it. */
interface Order {
  readonly key: string;
  readonly wish: TokenWish;
  readonly wanted: Wanted;
  /** Names the visitor in events; empty where nobody listens. */
  readonly identity: string;
}

export function createPooledIssuer(parts: Parts): PooledIssuer {
  const { issuer, pacer, circuit, emit, identityOf } = parts;
  const pool = createTolerantPool(parts.pool, emit);
  /** Calls under way, by visitor and attributes. */
  const flights = new Map<string, Promise<PooledToken>>();
  const hash = createHashedKeys();
  const keyOf = ({ channelId, externalId }: VisitorOfChannel): Promise<string> =>
    hash(issuer.scope ?? '', channelId, externalId);

  function onCall(call: UpstreamCall): void {
    emit({ type: 'upstream-call', ...call });
  }

  async function wantedOf({ decided, fresh }: TokenWish): Promise<Wanted> {
    const matters = !issuer.ignoresAttributes && Object.keys(decided ?? {}).length > 0;
    return { fresh, attributesHash: matters ? await hash(canonicalJson(decided)) : undefined };
  }

  async function issue(
    { key, wish, wanted, identity }: Order,
    previous: PooledToken | undefined,
  ): Promise<PooledToken> {
    const { request, who } = wish;
    // before its turn, so that nobody waits for being refused
    circuit.check(request.channelId);
    return pacer.run(who, (turn) =>
      circuit.run(request, () =>
        withinIssueTime(async (signal) => {
          const start = { wallMs: Date.now(), atMs: nowMs() };
          const reply = await issueOrRefresh(key, request, previous, { signal, turn });
          const token = toPooledToken(request, reply, start, wanted);
          const lifeMs = token.expiresAtMs - start.atMs;
          emit({ type: 'issued', identity, lifeMs, tookMs: nowMs() - start.atMs });
          return token;
        }),
      ),
    );
  }

  /** Renews where that is possible; a refresh token that is over leaves the visitor's next sign-in. */
  async function issueOrRefresh(
    key: string,
    request: IssueRequest,
    previous: PooledToken | undefined,
    { signal, turn }: { readonly signal: AbortSignal; readonly turn: Turn },
  ): Promise<IssuedToken> {
    const context = (): IssueContext => ({ signal, turn: afterTheFirst(turn), onCall });
    if (!issuer.refresh || previous?.reply.refresh_token === undefined) {
      return issuer.issue(request, context());
    }
    const { refresh_token, refresh_expires_in } = previous.reply;
    try {
      const renewed = await issuer.refresh(previous.reply, context());
      return { refresh_token, refresh_expires_in, ...renewed };
    } catch (error) {
      if (toGuestTokenError(error).code !== 'unauthorized') throw error;
      // or else each request until the next sign-in would try it again
      await pool.delete(key);
      await turn();
      return issuer.issue(request, context());
    }
  }

  function obtainNew(order: Order): Promise<PooledToken> {
    const { key, wanted, identity } = order;
    return pool.exclusively(key, async () => {
      // Another machine may have been faster.
      const known = await pool.get(key);
      if (known && canBeHandedOut(known, wanted)) {
        emit({ type: 'pooled', identity });
        return known;
      }
      const isSame = known?.attributesHash === wanted.attributesHash;
      const issued = await issue(order, isSame ? known : undefined);
      await pool.set(key, issued);
      return issued;
    });
  }

  return {
    async obtain(wish) {
      const [key, wanted, identity = ''] = await Promise.all([
        keyOf(wish.request),
        wantedOf(wish),
        identityOf?.(wish.request.externalId),
      ]);
      const known = await pool.get(key);
      if (known && canBeHandedOut(known, wanted)) {
        emit({ type: 'pooled', identity });
        return known;
      }
      const flightKey = `${key} ${wanted.attributesHash}`;
      const flight = flights.get(flightKey);
      if (flight) {
        const shared = await flight;
        emit({ type: 'pooled', identity });
        return shared;
      }
      // Not tied to the request that starts it: whoever else waits gets it though that one is aborted.
      const started = obtainNew({ key, wish, wanted, identity }).finally(() =>
        flights.delete(flightKey),
      );
      flights.set(flightKey, started);
      return started;
    },
    async signOut(visitor) {
      const key = await keyOf(visitor);
      // A token that is on its way would be pooled for somebody who has left; the lock is for those
      // of other machines.
      const under = [...flights].filter(([flightKey]) => flightKey.startsWith(key));
      await Promise.allSettled(under.map(([, flight]) => flight));
      const { known, isForgotten } = await pool.exclusively(key, async () => ({
        known: await pool.get(key),
        isForgotten: await pool.delete(key),
      }));
      if (known && issuer.revoke) {
        const { reply } = known;
        await pacer.run(visitor.externalId, (turn) =>
          withinIssueTime(async (signal) =>
            issuer.revoke?.(reply, { signal, turn: afterTheFirst(turn), onCall }),
          ),
        );
      }
      if (!isForgotten) throw notForgotten();
    },
    ready: () =>
      pacer.runAtOnce((turn) =>
        withinIssueTime(async (signal) => issuer.ready?.({ signal, turn, onCall })),
      ),
  };
}

function notForgotten(): GuestTokenError {
  return new GuestTokenError('unavailable', 'The pool did not forget the token.', {
    reason: 'pool_unavailable' satisfies ProblemReason,
    hint: 'Sign the visitor out again when the pool answers; until then it may hand the token out.',
  });
}

/** All upstream calls of one token together. */
function withinIssueTime<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const never = new AbortController().signal;
  return withTimeout(ISSUE_TIMEOUT_MS, never, "Genesys' answer", work);
}

/** The first call of an issuer has had its turn when the issuer is called. */
function afterTheFirst(turn: Turn): Turn {
  let isFirst = true;
  return async () => {
    if (!isFirst) await turn();
    isFirst = false;
  };
}
