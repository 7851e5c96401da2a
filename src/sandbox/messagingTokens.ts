import { base64url } from 'jose';
import { asRecord } from '../core/json.ts';
import { badRequest, notAuthenticated, randomId } from './replies.ts';
import type { GuestTokens, IssuedGuestToken } from './tokens.ts';

/** What your sign-in page would have got from the identity provider. */
export interface SandboxSignIn {
  /** Who signs in; becomes the visitor. */
  readonly externalId: string;
  /** PKCE: base64url(SHA-256(verifier)). Without one no `codeVerifier` is asked for. */
  readonly codeChallenge?: string;
  /** Where given, the exchange must name the same. */
  readonly redirectUri?: string;
}

export interface SandboxMessaging {
  /** A one-time code for the exchange. */
  signIn(signIn: SandboxSignIn): string;
  exchange(body: unknown, issue: IssueJwt): Promise<Response>;
  refresh(body: unknown, issue: IssueJwt, nowMs: number): Response;
  revoke(guest: IssuedGuestToken): Response;
  clear(): void;
}

type IssueJwt = (externalId: string) => IssuedGuestToken;

/** Genesys' default for a deployment. */
const REFRESH_LIFE_MS = 86_400_000;

/** Authenticated web messaging, as the JavaScript and mobile SDKs use it. */
export function createSandboxMessaging(
  deploymentId: string,
  guests: GuestTokens,
  now: () => number,
): SandboxMessaging {
  const codes = new Map<string, SandboxSignIn>();
  const refreshTokens = new Map<string, { externalId: string; expiresAtMs: number }>();

  return {
    signIn(signIn) {
      const code = randomId();
      codes.set(code, signIn);
      return code;
    },

    async exchange(body, issue) {
      const { deploymentId: named, oauth } = asRecord(body);
      const { code, redirectUri, codeVerifier } = asRecord(oauth);
      if (named !== deploymentId)
        return badRequest('The field "deploymentId" names no deployment.');
      if (typeof code !== 'string') return badRequest('The field "oauth.code" is missing.');
      const signIn = codes.get(code);
      // used up whatever comes of it, as an identity provider does
      codes.delete(code);
      if (!signIn) return notAuthenticated('bad.credentials');
      if (signIn.redirectUri !== undefined && signIn.redirectUri !== redirectUri) {
        return badRequest('The field "oauth.redirectUri" is not the one of the sign-in.');
      }
      if (
        signIn.codeChallenge !== undefined &&
        signIn.codeChallenge !== (await challengeOf(codeVerifier))
      ) {
        return notAuthenticated('bad.credentials');
      }
      const refreshToken = randomId();
      const { externalId } = signIn;
      refreshTokens.set(refreshToken, { externalId, expiresAtMs: now() + REFRESH_LIFE_MS });
      return Response.json({ jwt: issue(externalId).token, refreshToken });
    },

    refresh(body, issue, nowMs) {
      const { deploymentId: named, refreshToken } = asRecord(body);
      if (named !== deploymentId)
        return badRequest('The field "deploymentId" names no deployment.');
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
      refreshTokens.clear();
    },
  };
}

async function challengeOf(verifier: unknown): Promise<string | undefined> {
  if (typeof verifier !== 'string') return undefined;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  return base64url.encode(new Uint8Array(digest));
}
