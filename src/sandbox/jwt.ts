import { base64url } from 'jose';

/** 32 bytes, as long as an HS256 signature; nobody who only decodes reads it. */
const SIGNATURE = 'c2FuZGJveC1zaWduYXR1cmUtbm90LXZlcmlmaWFibGU';

/** A well-formed HS256 JWT with these claims, whose signature means nothing. */
export function unverifiableJwt(claims: Record<string, unknown>): string {
  return [encode({ alg: 'HS256', typ: 'JWT' }), encode(claims), SIGNATURE].join('.');
}

function encode(value: unknown): string {
  return base64url.encode(JSON.stringify(value));
}
