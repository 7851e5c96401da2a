import { base64url } from 'jose';
import { asRecord } from '../core/json.ts';
import { unverifiableJwt } from './jwt.ts';
import { badRequest, notAuthenticated, randomId } from './replies.ts';
import type { GuestTokens, IssuedGuestToken } from './tokens.ts';

/** A visitor who signs in at the identity provider. */
export interface SandboxSignIn {
  /** Who signs in; becomes the visitor. */
  readonly externalId: string;
  /**
   * What the identity provider gives to your page: a `"code"` (authorization code flow) or an
   * `"id_token"` (implicit flow). Default `"code"`.
   */
  readonly responseType?: 'code' | 'id_token';
  /** PKCE: base64url(SHA-256(verifier)). Without one, the exchange needs no `codeVerifier`. */
  readonly codeChallenge?: string;
  /** Where given, the exchange must name the same one. */
  readonly redirectUri?: string;
  /** Claim of the ID token. Where given, the exchange must name the same one. */
  readonly nonce?: string;
}

export interface SandboxMessaging {
  /** A code or an ID token, which the exchange takes once. */
  signIn(signIn: SandboxSignIn): string;
  exchange(body: unknown, issue: IssueJwt): Promise<Response>;
  refresh(body: unknown, issue: IssueJwt, nowMs: number): Response;
  revoke(guest: IssuedGuestToken): Response;
  clear(): void;
}

type IssueJwt = (externalId: string) => IssuedGuestToken;

/** Genesys' default for a deployment. */
const REFRESH_LIFE_MS = 86_400_000;

/** The tokens of authenticated Web Messaging, as Genesys' JavaScript and mobile SDKs ask for them. */
export function createSandboxMessaging(
  deploymentId: string,
  guests: GuestTokens,
  now: () => number,
): SandboxMessaging {
  const codes = new Map<string, SandboxSignIn>();
  const idTokens = new Map<string, SandboxSignIn>();
  const refreshTokens = new Map<string, { externalId: string; expiresAtMs: number }>();

  return {
    signIn(signIn) {
      const given = signIn.responseType === 'id_token' ? idTokenOf(signIn) : randomId();
      (signIn.responseType === 'id_token' ? idTokens : codes).set(given, signIn);
      return given;
    },

    async exchange(body, issue) {
      const { deploymentId: named, oauth } = asRecord(body);
      const { code, idToken } = asRecord(oauth);
      if (named !== deploymentId) return unknownDeployment();
      const given = code ?? idToken;
      if (typeof given !== 'string') {
        return badRequest('The field "oauth" needs a "code" or an "idToken".');
      }
      const grants = code === undefined ? idTokens : codes;
      const signIn = grants.get(given);
      // Used up whatever comes of it, as at an identity provider.
      grants.delete(given);
      if (!signIn) return notAuthenticated('bad.credentials');
      const refusal = await refusalOf(signIn, asRecord(oauth));
      if (refusal) return refusal;
      const jwt = issue(signIn.externalId).token;
      if (code === undefined) return Response.json({ jwt });
      const refreshToken = randomId();
      const { externalId } = signIn;
      refreshTokens.set(refreshToken, { externalId, expiresAtMs: now() + REFRESH_LIFE_MS });
      return Response.json({ jwt, refreshToken });
    },

    refresh(body, issue, nowMs) {
      const { deploymentId: named, refreshToken } = asRecord(body);
      // The JavaScript SDK names the deployment, the mobile SDK does not.
      if (named !== undefined && named !== deploymentId) return unknownDeployment();
      const known = typeof refreshToken === 'string' ? refreshTokens.get(refreshToken) : undefined;
      if (!known) return notAuthenticated('bad.credentials');
      if (nowMs >= known.expiresAtMs) return notAuthenticated('credentials.expired');
      return Response.json({ jwt: issue(known.externalId).token });
    },

    revoke({ externalId }) {
      for (const [token, known] of refreshTokens) {
        if (known.externalId === externalId) refreshTokens.delete(token);
      }
      guests.revoke(externalId);
      return new Response(null, { status: 204 });
    },

    clear() {
      codes.clear();
      idTokens.clear();
      refreshTokens.clear();
    },
  };
}

/** Why the exchange refuses what it was given; undefined: it does not. */
async function refusalOf(
  { redirectUri, codeChallenge, nonce }: SandboxSignIn,
  oauth: Record<string, unknown>,
): Promise<Response | undefined> {
  if (redirectUri !== undefined && redirectUri !== oauth.redirectUri) {
    return badRequest('The field "oauth.redirectUri" is not the one of the sign-in.');
  }
  if (nonce !== undefined && nonce !== oauth.nonce) return notAuthenticated('bad.credentials');
  if (codeChallenge === undefined) return undefined;
  const isSame = codeChallenge === (await challengeOf(oauth.codeVerifier));
  return isSame ? undefined : notAuthenticated('bad.credentials');
}

function idTokenOf({ externalId, nonce }: SandboxSignIn): string {
  return unverifiableJwt({ sub: externalId, nonce, jti: randomId() });
}

function unknownDeployment(): Response {
  return badRequest('The field "deploymentId" names no deployment.');
}

async function challengeOf(verifier: unknown): Promise<string | undefined> {
  if (typeof verifier !== 'string') return undefined;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  return base64url.encode(new Uint8Array(digest));
}
