import { jwtVerify, SignJWT } from 'jose';
import { misconfigured } from '../core/errors.ts';
import type { Authorize } from './createGuestTokenBroker.ts';

export interface AnonymousVisitorsOptions {
  /**
   * Signs the cookie: 32 characters or more. Several for rotation: the first one signs, all are
   * accepted; a cookie of an older one is signed anew.
   */
  cookieSecret: string | readonly string[];
  /** Default `guest_visitor`. */
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
  const keys = secrets.map((secret) => new TextEncoder().encode(secret));
  const [signingKey] = keys;

  async function verify(cookie: string): Promise<{ id: string; isCurrent: boolean } | undefined> {
    for (const key of keys) {
      try {
        const { payload } = await jwtVerify(cookie, key, {
          algorithms: ['HS256'],
          audience: cookieName,
        });
        if (payload.sub) return { id: payload.sub, isCurrent: key === signingKey };
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
      .sign(signingKey ?? new Uint8Array());
    const secure = isHttps(request) || sameSite === 'None' ? '; Secure' : '';
    return `${cookieName}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${sameSite}${secure}`;
  }

  return async (request) => {
    const cookie = readCookie(request, cookieName);
    const known = cookie === undefined ? undefined : await verify(cookie);
    const externalId = known?.id ?? crypto.randomUUID();
    const setCookie = known?.isCurrent ? undefined : await sign(externalId, request);
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
