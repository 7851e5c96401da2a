import type { SandboxFault, SandboxFaultKind } from './faults.ts';
import { unverifiableJwt } from './jwt.ts';
import { genesysError, notAuthenticated, randomId } from './replies.ts';

/** A guest token that the sandbox has handed out. */
export interface IssuedGuestToken {
  readonly token: string;
  readonly visitorId: string;
  readonly externalId: string;
  /** When it really ends: epoch ms on the sandbox's clock, however wrong the one is that Genesys plays. */
  readonly expiresAtMs: number;
}

/** What is handed out: a JWT, or what a fault makes of it. */
export type TokenForm = 'jwt' | 'opaque' | 'empty' | 'exp-in-ms';

const formsOfFaults: Partial<Record<SandboxFaultKind, TokenForm>> = {
  'opaque-token': 'opaque',
  'empty-token': 'empty',
  'exp-in-ms': 'exp-in-ms',
};

export function tokenFormOf(fault: SandboxFault | undefined): TokenForm {
  return (fault && formsOfFaults[fault.kind]) ?? 'jwt';
}

export interface GuestTokens {
  /** `nowMs` is on the sandbox's own clock, of which the played one is ahead by `clockOffsetMs`. */
  issue(what: {
    externalId: string;
    visitorId: string;
    nowMs: number;
    clockOffsetMs: number;
    lifeSeconds: number;
    form: TokenForm;
  }): IssuedGuestToken;
  /** The token behind an `Authorization` header, or Genesys' 401. */
  check(authorization: string | null, nowMs: number): IssuedGuestToken | Response;
  /** Makes the tokens of one visitor, or of all, useless before their end. */
  revoke(externalId?: string): void;
  readonly issued: readonly IssuedGuestToken[];
}

export function createGuestTokens(): GuestTokens {
  const byToken = new Map<string, IssuedGuestToken>();
  return {
    issue({ externalId, visitorId, nowMs, clockOffsetMs, lifeSeconds, form }) {
      const iat = Math.floor((nowMs + clockOffsetMs) / 1000);
      // jti, so that two tokens of one second differ
      const jwt = (exp: number): string =>
        unverifiableJwt({ sub: visitorId, iat, exp, jti: randomId() });
      const tokens = {
        jwt: () => jwt(iat + lifeSeconds),
        'exp-in-ms': () => jwt((iat + lifeSeconds) * 1000),
        opaque: () => randomId() + randomId(),
        empty: () => '',
      };
      const issued = {
        token: tokens[form](),
        visitorId,
        externalId,
        expiresAtMs: (iat + lifeSeconds) * 1000 - clockOffsetMs,
      };
      if (issued.token !== '') byToken.set(issued.token, issued);
      return issued;
    },
    check(authorization, nowMs) {
      const token = bearerOf(authorization);
      if (token === undefined) return notAuthenticated('authentication.required');
      const issued = byToken.get(token);
      if (!issued) return notAuthenticated('bad.credentials');
      if (nowMs >= issued.expiresAtMs) return notAuthenticated('credentials.expired');
      return issued;
    },
    revoke(externalId) {
      for (const [token, issued] of byToken) {
        if (externalId === undefined || issued.externalId === externalId) byToken.delete(token);
      }
    },
    get issued() {
      return [...byToken.values()];
    },
  };
}

export interface AccessTokens {
  issue(nowMs: number, lifeSeconds: number): string;
  /** Counts one call: the headers that Genesys adds to its answer, or its 401 or 429. */
  admit(
    authorization: string | null,
    nowMs: number,
    allowed: number,
  ): { headers: Record<string, string>; refusal?: Response };
  revoke(): void;
}

interface AccessToken {
  readonly expiresAtMs: number;
  windowStartMs: number;
  count: number;
}

/** Genesys counts calls per access token and minute. */
const WINDOW_MS = 60_000;

export function createAccessTokens(): AccessTokens {
  const byToken = new Map<string, AccessToken>();
  return {
    issue(nowMs, lifeSeconds) {
      // opaque, as Genesys' are
      const token = `sandbox-${randomId()}`;
      const expiresAtMs = nowMs + lifeSeconds * 1000;
      byToken.set(token, { expiresAtMs, windowStartMs: nowMs, count: 0 });
      return token;
    },
    admit(authorization, nowMs, allowed) {
      const token = bearerOf(authorization);
      if (token === undefined) {
        return { headers: {}, refusal: notAuthenticated('authentication.required') };
      }
      const known = byToken.get(token);
      if (!known) return { headers: {}, refusal: notAuthenticated('bad.credentials') };
      if (nowMs >= known.expiresAtMs) {
        return { headers: {}, refusal: notAuthenticated('credentials.expired') };
      }
      if (nowMs - known.windowStartMs >= WINDOW_MS) {
        known.windowStartMs = nowMs;
        known.count = 0;
      }
      known.count += 1;
      const resetSeconds = Math.ceil((known.windowStartMs + WINDOW_MS - nowMs) / 1000);
      const headers = {
        'inin-ratelimit-count': String(known.count),
        'inin-ratelimit-allowed': String(allowed),
        'inin-ratelimit-reset': String(resetSeconds),
      };
      return known.count <= allowed
        ? { headers }
        : { headers, refusal: overLimit(resetSeconds, allowed) };
    },
    revoke() {
      byToken.clear();
    },
  };
}

function overLimit(seconds: number, allowed: number): Response {
  return genesysError(
    429,
    'too.many.requests.retry.after',
    `Rate limit exceeded the maximum. Retry the request in [${seconds}] seconds`,
    {
      headers: { 'Retry-After': String(seconds) },
      body: {
        limit: {
          key: 'token.rate.per.minute',
          namespace: 'platform.api',
          value: allowed,
        },
      },
    },
  );
}

function bearerOf(authorization: string | null): string | undefined {
  return /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
}
