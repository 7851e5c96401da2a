import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose';
import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import type { Authorize } from '../server/authorize.ts';
import { cookiesOf } from '../server/cookies.ts';
import { readText } from '../server/readText.ts';

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

/** Less than a browser waits. */
const KEYS_TIMEOUT_MS = 3000;

/** Far more than a few public keys with their certificates. */
const MAX_KEYS_BYTES = 512 * 1024;

/** How long the last known keys are used while the identity provider is away. */
const LAST_KEYS_MS = 3_600_000;

/**
 * An `authorize` for visitors who are signed in: their JWT of the site's identity provider, as bearer
 * token or in a cookie. Null, hence 401, without one that is valid.
 */
export function signedInVisitors(options: SignedInVisitorsOptions): Authorize {
  const { jwksUrl, issuer, audience, claim, cookie } = options;
  // Asks for the keys again every ten minutes, and at most every 30 s for one that it does not know.
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: KEYS_TIMEOUT_MS,
    [customFetch]: createKeysFetch(),
  });

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
    const bearer = bearerOf(headers);
    const cookies = cookie === undefined ? [] : cookiesOf(headers, cookie);
    for (const token of bearer === undefined ? cookies : [bearer]) {
      const id = (await verified(token))?.[claim];
      if (typeof id === 'number') return { externalId: String(id) };
      if (typeof id === 'string' && id !== '') return { externalId: id };
    }
    return null;
  };
}

/** `fetch` that yields the keys as they last came, for a while, where none come. */
function createKeysFetch(): (url: string, init: RequestInit) => Promise<Response> {
  let last: { readonly text: string; readonly ends: Deadline } | undefined;
  return async (url, init) => {
    try {
      const response = await fetch(url, init);
      const text = response.ok ? await readText(response.body, MAX_KEYS_BYTES) : undefined;
      if (text === undefined) throw new Error('The identity provider sent no keys.');
      JSON.parse(text);
      last = { text, ends: deadlineIn(LAST_KEYS_MS) };
    } catch (error) {
      if (!last || untilMs(last.ends) <= 0) throw error;
    }
    return new Response(last.text);
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
