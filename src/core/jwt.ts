import { asRecord } from './json.ts';

/**
 * The claims of a JWT, whose signature nobody here can verify; none for a token that is no JWT. Texts
 * are not decoded as UTF-8, since only numbers are read: that makes a library for it needless.
 */
export function readJwtClaims(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.');
  try {
    return asRecord(JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))));
  } catch {
    return {}; // opaque, as Genesys documents for some channels
  }
}
