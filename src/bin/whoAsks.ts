import { anonymousVisitors } from '../server/anonymousVisitors.ts';
import type { Authorize } from '../server/authorize.ts';
import { UsageError } from './settings/readSettings.ts';
import type { ServeSettings } from './settings/settings.ts';
import { signedInVisitors } from './signedInVisitors.ts';

/**
 * Signed-in visitors where an identity provider is named, else anonymous ones.
 *
 * @throws UsageError for a setting that is missing
 */
export function whoAsks(settings: ServeSettings, isSandbox: boolean): Authorize {
  const { jwksUrl, jwtIssuer, jwtAudience, jwtClaim, jwtCookie } = settings;
  if (jwksUrl === undefined) return anonymous(settings, isSandbox);
  if (jwtIssuer === undefined || jwtAudience === undefined) {
    throw new UsageError(
      'Set GUEST_TOKEN_JWT_ISSUER and GUEST_TOKEN_JWT_AUDIENCE to what your identity provider writes into iss and aud: a JWT that is meant for another site must not work here.',
    );
  }
  return signedInVisitors({
    jwksUrl,
    issuer: jwtIssuer,
    audience: jwtAudience,
    claim: jwtClaim,
    cookie: jwtCookie,
  });
}

function anonymous(
  { cookieSecret, cookieSecretOld, cookieSameSite }: ServeSettings,
  isSandbox: boolean,
): Authorize {
  const secret = cookieSecret ?? (isSandbox ? crypto.randomUUID() : undefined);
  if (secret === undefined) {
    throw new UsageError(
      'Set GUEST_TOKEN_COOKIE_SECRET to a random text of 32 characters or more: it signs the cookie that tells visitors apart. Where visitors sign in, set GUEST_TOKEN_JWKS_URL instead.',
    );
  }
  return anonymousVisitors({
    cookieSecret: cookieSecretOld === undefined ? secret : [secret, cookieSecretOld],
    sameSite: cookieSameSite,
  });
}
