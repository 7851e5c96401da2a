import { toGuestTokenError } from '../../core/classify.ts';
import { identityHash } from '../../core/events.ts';
import { readGuestToken } from '../../core/guestToken.ts';
import { withTimeout } from '../../core/waits.ts';
import type { BrokerEvent } from '../events.ts';
import { createHashedKeys } from '../hashedKeys.ts';
import type {
  GuestTokenIssuer,
  IssueContext,
  IssuedToken,
  IssueRequest,
} from '../issuers/issuer.ts';
import type { Turn, UpstreamPacer } from '../limits/upstreamPacer.ts';
import { HttpProblem } from '../problem.ts';
import type { Circuit } from '../upstream/circuit.ts';
import type { UpstreamCall } from '../upstream/timedFetch.ts';
import type { PooledToken, TokenPool } from './tokenPool.ts';

/** A pooled token with less life is not handed out; of short tokens a fifth of their life. */
const MIN_LIFE_MS = 120_000;
const MIN_LIFE_SHARE = 1 / 5;

/** How often a visitor may have a new token by asking for one; of short tokens half their life. */
const FRESH_EVERY_MS = 10_000;
const FRESH_EVERY_SHARE = 1 / 2;

/** All upstream calls of one token together; less than the 10 s that our client gives an attempt. */
const ISSUE_TIMEOUT_MS = 9_000;

/** Genesys' default for refresh tokens. */
const REFRESH_LIFE_MS = 86_400_000;

type VisitorOfChannel = Pick<IssueRequest, 'externalId' | 'channelId'>;

export interface PooledIssuer {
  /**
   * A token of a visitor: from the pool, from a request under way, or a new one.
   *
   * @param who the address or visitor that shares the limit for calls with the others
   */
  obtain(request: IssueRequest, fresh: boolean, who: string): Promise<PooledToken>;
  /** Forgets a visitor's token and has the issuer revoke it. */
  signOut(visitor: VisitorOfChannel): Promise<void>;
}

interface Parts {
  readonly issuer: GuestTokenIssuer;
  readonly pool: TokenPool;
  readonly pacer: UpstreamPacer;
  readonly circuit: Circuit;
  readonly emit: (event: BrokerEvent) => void;
}

export function createPooledIssuer({ issuer, pool, pacer, circuit, emit }: Parts): PooledIssuer {
  const flights = new Map<string, Promise<PooledToken>>();
  const hash = createHashedKeys();
  const keyOf = ({ channelId, externalId }: VisitorOfChannel): Promise<string> =>
    hash(issuer.scope ?? '', channelId, externalId);

  /** Whatever the pool can't do is done without it. */
  async function tolerantly<Result>(
    work: () => Promise<Result> | Result,
    otherwise: Result,
  ): Promise<Result> {
    try {
      return await work();
    } catch {
      emit({ type: 'pool-unavailable' });
      return otherwise;
    }
  }

  function onCall(call: UpstreamCall): void {
    emit({ type: 'upstream-call', ...call });
  }

  function emitPooled({ externalId }: IssueRequest): void {
    emit({ type: 'pooled', identity: identityHash(externalId) });
  }

  async function issue(
    key: string,
    request: IssueRequest,
    previous: PooledToken | undefined,
    fresh: boolean,
    who: string,
  ): Promise<PooledToken> {
    // before its turn, so that nobody waits for being refused
    circuit.check();
    return pacer.run(who, (turn) =>
      circuit.run(() =>
        inTime(async (signal) => {
          const startedAtMs = Date.now();
          const reply = await issueOrRefresh(key, request, previous, { signal, turn });
          const token = asPooled(request, reply, { startedAtMs, byRequest: fresh });
          emit({
            type: 'issued',
            identity: identityHash(request.externalId),
            lifeMs: token.expiresAtMs - startedAtMs,
            tookMs: Date.now() - startedAtMs,
          });
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
      await tolerantly(() => pool.delete(key), undefined);
      await turn();
      return issuer.issue(request, context());
    }
  }

  async function obtainNew(
    key: string,
    request: IssueRequest,
    fresh: boolean,
    who: string,
  ): Promise<PooledToken> {
    const work = async (): Promise<PooledToken> => {
      // Another machine may have been faster.
      const known = await tolerantly(() => pool.get(key), undefined);
      if (known && isGood(known, fresh)) {
        emitPooled(request);
        return known;
      }
      const issued = await issue(key, request, known, fresh, who);
      await tolerantly(() => pool.set(key, issued), undefined);
      return issued;
    };
    return pool.exclusively ? pool.exclusively(key, work) : work();
  }

  return {
    async obtain(request, fresh, who) {
      const key = await keyOf(request);
      const known = await tolerantly(() => pool.get(key), undefined);
      if (known && isGood(known, fresh)) {
        emitPooled(request);
        return known;
      }
      const flight = flights.get(key);
      if (flight) {
        const shared = await flight;
        emitPooled(request);
        return shared;
      }
      // Not tied to the request that starts it: whoever else waits gets it though that one is aborted.
      const started = obtainNew(key, request, fresh, who).finally(() => flights.delete(key));
      flights.set(key, started);
      return started;
    },
    async signOut(visitor) {
      const key = await keyOf(visitor);
      // or else a token that is on its way would be pooled for somebody who has left
      await flights.get(key)?.catch(() => undefined);
      const known = await tolerantly(() => pool.get(key), undefined);
      await tolerantly(() => pool.delete(key), undefined);
      if (known && issuer.revoke) {
        const { reply } = known;
        await pacer.run(visitor.externalId, (turn) =>
          inTime(async (signal) =>
            issuer.revoke?.(reply, { signal, turn: afterTheFirst(turn), onCall }),
          ),
        );
      }
    },
  };
}

/** All upstream calls of one token together. */
function inTime<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
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

function isGood(token: PooledToken, fresh: boolean): boolean {
  const { issuedAtMs, expiresAtMs, byRequest } = token;
  const now = Date.now();
  const lifeMs = expiresAtMs - issuedAtMs;
  if (expiresAtMs - now <= Math.min(MIN_LIFE_MS, lifeMs * MIN_LIFE_SHARE)) return false;
  const recentMs = Math.min(FRESH_EVERY_MS, lifeMs * FRESH_EVERY_SHARE);
  return !fresh || (byRequest && now - issuedAtMs < recentMs);
}

/** Reads what an issuer yields like anything from the network. */
function asPooled(
  request: IssueRequest,
  reply: IssuedToken,
  { startedAtMs, byRequest }: { startedAtMs: number; byRequest: boolean },
): PooledToken {
  // The clock of a server is right, so the JWT's own times will do.
  const { lifeMs } = readGuestToken(reply, { requestedAt: startedAtMs });
  const { externalId } = request;
  if (typeof reply.external_id === 'string' && reply.external_id !== externalId) {
    throw new HttpProblem({
      status: 502,
      code: 'identity_mismatch',
      reason: 'wrong_visitor',
      message: 'The issuer answered for another visitor.',
      hint: 'Check toBody and fromReply, and what stands between the broker and Genesys.',
    });
  }
  const expiresAtMs = startedAtMs + lifeMs;
  const { refresh_token, refresh_expires_in: refreshS } = reply;
  const keepMs = typeof refreshS === 'number' && refreshS > 0 ? refreshS * 1000 : REFRESH_LIFE_MS;
  return {
    reply: known(reply),
    issuedAtMs: startedAtMs,
    expiresAtMs,
    byRequest,
    keepUntilMs: Math.max(expiresAtMs, refresh_token ? startedAtMs + keepMs : 0),
  };
}

/** What else a reply may hold is nobody's business, and would fill the pool. */
function known(reply: IssuedToken): IssuedToken {
  const { id, token, created_time, updated_time, state, external_id, channel_id } = reply;
  const { refresh_token, refresh_expires_in } = reply;
  const texts = { created_time, updated_time, state, external_id, channel_id, refresh_token };
  const given = Object.entries(texts).filter(([, value]) => typeof value === 'string');
  return { id, token, ...Object.fromEntries(given), refresh_expires_in };
}
