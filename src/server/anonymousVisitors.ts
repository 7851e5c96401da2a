import { jwtVerify, SignJWT } from 'jose';
import { misconfigured } from '../core/errors.ts';
import type { Authorize } from './authorize.ts';

export interface AnonymousVisitorsOptions {
  /**
   * Signs the cookie: 32 characters or more. Several for rotation: the first one signs, all are
   * accepted; a cookie of an older one is signed anew, as is one past half of its life.
   */
  cookieSecret: string | readonly string[];
  /** Default `guest_visitor`. On https, `__Host-guest_visitor` keeps sub-domains from setting it. */
  cookieName?: string | undefined;
  /** Seconds. Default 15,552,000 (180 days). */
  maxAgeSeconds?: number | undefined;
  /** `"None"` for a widget on pages of another site; it needs https. Default `"Lax"`. */
  sameSite?: 'Lax' | 'Strict' | 'None' | undefined;
}

/** HMAC-SHA-256 wants a key of its own length (RFC 7518, 3.2). */
const MIN_SECRET_LENGTH = 32;

/**
 * An `authorize` for visitors who have no account: keeps a random id in a signed cookie that no
 * script can read. Pages of other sites can't use it: SameSite keeps the cookie back, and the broker
 * refuses their origin.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function anonymousVisitors(options: AnonymousVisitorsOptions): Authorize {
  const { cookieName = 'guest_visitor', maxAgeSeconds = 15_552_000, sameSite = 'Lax' } = options;
  const secrets = [options.cookieSecret].flat();
  if (secrets.length === 0 || secrets.some((secret) => !isLongEnough(secret))) {
    throw misconfigured('cookieSecret', `must have ${MIN_SECRET_LENGTH} characters or more`);
  }
  if (!/^[\w-]+$/.test(cookieName)) throw misconfigured('cookieName', 'must be a plain name');
  if (!Number.isInteger(maxAgeSeconds) || maxAgeSeconds < 1) {
    throw misconfigured('maxAgeSeconds', 'must be a whole number of 1 or more');
  }
  if (!['Lax', 'Strict', 'None'].includes(sameSite)) {
    throw misconfigured('sameSite', 'must be "Lax", "Strict" or "None"');
  }
  const keys = secrets.map((secret) => new TextEncoder().encode(secret));
  const [signingKey = new Uint8Array()] = keys;

  /** `isLasting`: signed by today's key, and with half of its life or more. */
  async function verify(cookie: string): Promise<{ id: string; isLasting: boolean } | undefined> {
    for (const key of keys) {
      try {
        const { payload } = await jwtVerify(cookie, key, {
          algorithms: ['HS256'],
          audience: cookieName,
          requiredClaims: ['sub', 'exp'],
        });
        const { sub: id = '', exp = 0 } = payload;
        const leftSeconds = exp - Date.now() / 1000;
        return { id, isLasting: key === signingKey && leftSeconds > maxAgeSeconds / 2 };
      } catch {
        // another key's, or nobody's
      }
    }
    return undefined;
  }

  async function sign(id: string, request: Request): Promise<string> {
    const value = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(id)
      .setAudience(cookieName)
      .setExpirationTime(`${maxAgeSeconds}s`)
      .sign(signingKey);
    const isSecure =
      isHttps(request) || sameSite === 'None' || /^__(Host|Secure)-/i.test(cookieName);
    return `${cookieName}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${sameSite}${isSecure ? '; Secure' : ''}`;
  }

  return async (request) => {
    const cookie = readCookie(request, cookieName);
    const known = cookie === undefined ? undefined : await verify(cookie);
    const externalId = known?.id ?? crypto.randomUUID();
    const setCookie = known?.isLasting ? undefined : await sign(externalId, request);
    return { externalId, anonymous: true, setCookie };
  };
}

function isLongEnough(secret: unknown): boolean {
  return typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH;
}

function readCookie(request: Request, name: string): string | undefined {
  const cookies = request.headers.get('Cookie')?.split(';') ?? [];
  const found = cookies.find((cookie) => cookie.trim().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1);
}

/** Of the client's side of a proxy, where one says so: a cookie that is Secure by mistake is only lost. */
function isHttps(request: Request): boolean {
  return (
    new URL(request.url).protocol === 'https:' ||
    request.headers.get('X-Forwarded-Proto')?.split(',')[0]?.trim() === 'https'
  );
}
