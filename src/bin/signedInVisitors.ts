import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { GuestTokenError } from '../core/errors.ts';
import type { Authorize } from '../server/authorize.ts';

export interface SignedInVisitorsOptions {
  /** Where the identity provider publishes its keys. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** The claim that is the visitor's `externalId`. */
  readonly claim: string;
  /** The cookie that holds the JWT where there is no Authorization header. */
  readonly cookie: string | undefined;
}

/** A signature that only the identity provider can make: with HS256 a public key would be the secret. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** For clocks that differ a little. */
const TOLERANCE_S = 5;

/** Less than a browser waits; the keys are kept afterwards. */
const KEYS_TIMEOUT_MS = 3000;

/**
 * An `authorize` for visitors who are signed in: their JWT of the site's identity provider, as bearer
 * token or in a cookie. Null, hence 401, without one that is valid.
 */
export function signedInVisitors(options: SignedInVisitorsOptions): Authorize {
  const { jwksUrl, issuer, audience, claim, cookie } = options;
  const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: KEYS_TIMEOUT_MS });

  async function verified(token: string): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp', claim],
        clockTolerance: TOLERANCE_S,
      });
      return payload;
    } catch (error) {
      if (isAboutTheToken(error)) return undefined;
      throw new GuestTokenError('unavailable', "The identity provider's keys could not be read.", {
        hint: 'Check GUEST_TOKEN_JWKS_URL, and that this machine can reach it.',
      });
    }
  }

  return async ({ headers }) => {
    const token = bearerOf(headers) ?? cookieOf(headers, cookie);
    const payload = token === undefined ? undefined : await verified(token);
    const id = payload?.[claim];
    if (typeof id === 'number') return { externalId: String(id) };
    return typeof id === 'string' && id !== '' ? { externalId: id } : null;
  };
}

/** All else is about the keys, which are not the visitor's fault. */
function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

function bearerOf(headers: Headers): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.get('Authorization') ?? '')?.[1];
}

function cookieOf(headers: Headers, name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const cookies = headers.get('Cookie')?.split(';') ?? [];
  const found = cookies
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}
