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

function base64Url(value: unknown): string {
  return base64UrlOfBytes(new TextEncoder().encode(JSON.stringify(value)));
}

/** Base64url without padding (RFC 7515, 2). */
function base64UrlOfBytes(bytes: Uint8Array): string {
  // one character per byte, which is what btoa takes
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
