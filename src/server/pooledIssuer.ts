import { LRUCache } from 'lru-cache';
import { toGuestTokenError } from '../core/classify.ts';
import { GuestTokenError } from '../core/errors.ts';
import { identityHash } from '../core/events.ts';
import { readGuestToken } from '../core/guestToken.ts';
import { withTimeout } from '../core/tokenSource.ts';
import type { BrokerEvent } from './brokerEvents.ts';
import type { Circuit } from './circuit.ts';
import type { GuestTokenIssuer, IssuedToken, IssueRequest } from './issuer.ts';
import type { UpstreamPacer } from './limits.ts';
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
const REFRESH_LIFE_S = 86_400;

export interface PooledIssuer {
  /** A token of a visitor: from the pool, from a request under way, or a new one. */
  obtain(request: IssueRequest, fresh: boolean): Promise<PooledToken>;
  /** Forgets a visitor's token and has the issuer revoke it. */
  signOut(request: Pick<IssueRequest, 'externalId' | 'channelId'>): Promise<void>;
}

interface Parts {
  readonly issuer: GuestTokenIssuer;
  readonly pool: TokenPool;
  readonly pacer: UpstreamPacer;
  readonly circuit: Circuit;
  readonly emit: (event: BrokerEvent) => void;
}

/** Visitors whose key is remembered: to hash it is the most that a pool hit would cost. */
const KNOWN_KEYS = 10_000;

export function createPooledIssuer({ issuer, pool, pacer, circuit, emit }: Parts): PooledIssuer {
  const poolKey = rememberedKeys();
  const flights = new Map<string, Promise<PooledToken>>();

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

  async function issue(
    request: IssueRequest,
    previous: PooledToken | undefined,
    fresh: boolean,
  ): Promise<PooledToken> {
    await pacer.turn();
    return circuit.run(() =>
      withTimeout(
        ISSUE_TIMEOUT_MS,
        new AbortController().signal,
        "Genesys' answer",
        async (signal) => {
          const startedAtMs = Date.now();
          const reply = await issueOrRefresh(request, previous, signal);
          const token = asPooled(request, reply, { startedAtMs, byRequest: fresh });
          emit({
            type: 'issued',
            identity: identityHash(request.externalId),
            lifeMs: token.expiresAtMs - startedAtMs,
            tookMs: Date.now() - startedAtMs,
          });
          return token;
        },
      ),
    );
  }

  /** Renews where that is possible; a refresh token that is over leaves the visitor's next sign-in. */
  async function issueOrRefresh(
    request: IssueRequest,
    previous: PooledToken | undefined,
    signal: AbortSignal,
  ): Promise<IssuedToken> {
    if (!issuer.refresh || previous?.reply.refresh_token === undefined) {
      return issuer.issue(request, { signal });
    }
    const { refresh_token, refresh_expires_in } = previous.reply;
    try {
      const renewed = await issuer.refresh(previous.reply, { signal });
      return { refresh_token, refresh_expires_in, ...renewed };
    } catch (error) {
      if (toGuestTokenError(error).code !== 'unauthorized') throw error;
      return issuer.issue(request, { signal });
    }
  }

  async function obtainNew(
    key: string,
    request: IssueRequest,
    fresh: boolean,
  ): Promise<PooledToken> {
    const work = async (): Promise<PooledToken> => {
      // Another machine may have been faster.
      const known = await tolerantly(() => pool.get(key), undefined);
      if (known && isGood(known, fresh)) return known;
      const issued = await issue(request, known, fresh);
      await tolerantly(() => pool.set(key, issued), undefined);
      return issued;
    };
    return pool.exclusively ? pool.exclusively(key, work) : work();
  }

  return {
    async obtain(request, fresh) {
      const key = await poolKey(request);
      const known = await tolerantly(() => pool.get(key), undefined);
      if (known && isGood(known, fresh)) {
        emit({ type: 'pooled', identity: identityHash(request.externalId) });
        return known;
      }
      const flight = flights.get(key);
      if (flight) return flight;
      // Not tied to the request that starts it: whoever else waits gets it though that one is aborted.
      const started = obtainNew(key, request, fresh).finally(() => flights.delete(key));
      flights.set(key, started);
      return started;
    },
    async signOut({ externalId, channelId }) {
      const key = await poolKey({ externalId, channelId });
      const known = await tolerantly(() => pool.get(key), undefined);
      await tolerantly(() => pool.delete(key), undefined);
      if (known && issuer.revoke) {
        const { reply } = known;
        await withTimeout(
          ISSUE_TIMEOUT_MS,
          new AbortController().signal,
          "Genesys' answer",
          async (signal) => issuer.revoke?.(reply, { signal }),
        );
      }
    },
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
  const { externalId } = request;
  if (typeof reply.external_id === 'string' && reply.external_id !== externalId) {
    throw new GuestTokenError('identity_mismatch', 'The issuer answered for another visitor.', {
      hint: 'Check toBody and fromReply, and what stands between the broker and Genesys.',
    });
  }
  // The clock of a server is right, so the JWT's own times will do.
  const { lifeMs, value } = readGuestToken(reply, { requestedAt: startedAtMs });
  const expiresAtMs = startedAtMs + lifeMs;
  const refreshMs = reply.refresh_token ? (reply.refresh_expires_in ?? REFRESH_LIFE_S) * 1000 : 0;
  return {
    reply: { ...reply, token: value },
    issuedAtMs: startedAtMs,
    expiresAtMs,
    byRequest,
    keepUntilMs: Math.max(expiresAtMs, startedAtMs + refreshMs),
  };
}

type Identity = Pick<IssueRequest, 'externalId' | 'channelId'>;

function rememberedKeys(): (identity: Identity) => string | Promise<string> {
  const known = new LRUCache<string, string>({ max: KNOWN_KEYS });
  return ({ externalId, channelId }) => {
    // unambiguous whatever the ids hold
    const identity = JSON.stringify([channelId ?? null, externalId]);
    return (
      known.get(identity) ??
      hash(identity).then((key) => {
        known.set(identity, key);
        return key;
      })
    );
  };
}

/** No id can be read from it. */
async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
