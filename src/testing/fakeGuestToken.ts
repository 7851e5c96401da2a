export interface FakeGuestTokenOverrides {
  /** The visitor. Default `"visitor-sandbox"`. */
  readonly sub?: string;
  /** Issued at: epoch seconds. Default: now, rounded down. */
  readonly iat?: number;
  /** Ends at: epoch seconds. Default: `iat` plus `lifeSeconds`. */
  readonly exp?: number;
  /** Seconds of life, where `exp` is not given. Default 3600. */
  readonly lifeSeconds?: number;
  /** Any other claim, e.g. `jti` to make two tokens of one second differ. */
  readonly [claim: string]: unknown;
}

/** 32 bytes, as long as an HS256 signature: nobody who decodes without verifying reads it. */
const SIGNATURE = 'c2FuZGJveC1zaWduYXR1cmUtbm90LXZlcmlmaWFibGU';

/**
 * A well-formed JWT as Genesys' guest tokens are (HS256 with `sub`, `iat`, `exp`), whose signature
 * means nothing. The same overrides give the same token.
 *
 * @example
 * fakeGuestToken({ lifeSeconds: 30 });
 */
export function fakeGuestToken(overrides: FakeGuestTokenOverrides = {}): string {
  const { lifeSeconds = 3600, ...claims } = overrides;
  const iat = claims.iat ?? Math.floor(Date.now() / 1000);
  const payload = { sub: 'visitor-sandbox', iat, exp: iat + lifeSeconds, ...claims };
  return [base64Url({ alg: 'HS256', typ: 'JWT' }), base64Url(payload), SIGNATURE].join('.');
}

/** Base64url without padding (RFC 7515, 2). */
function base64Url(value: unknown): string {
  // ASCII only, which is what btoa takes; Jest's jsdom has no TextEncoder.
  const json = JSON.stringify(value).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return btoa(json).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
