import { jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { misconfigured } from '../core/errors.ts';
import type { Authorize } from './authorize.ts';
import { cookiesOf } from './cookies.ts';

export interface AnonymousVisitorsOptions {
  /**
   * Signs the cookie: 32 characters or more. Several for rotation: the first one signs, all are
   * accepted; a cookie of an older one is signed anew, as is one past half of its life.
   */
  cookieSecret: string | readonly string[];
  /**
   * Default `__Host-guest_visitor` on https, which no sub-domain can set, and `guest_visitor` on plain
   * http. A name that begins with `__Host-` or `__Secure-` works on https only.
   */
  cookieName?: string | undefined;
  /** Seconds. Default 15,552,000 (180 days). */
  maxAgeSeconds?: number | undefined;
  /** `"None"` for a widget on pages of another site; it needs https. Default `"Lax"`. */
  sameSite?: 'Lax' | 'Strict' | 'None' | undefined;
}

/** HMAC-SHA-256 wants a key of its own length (RFC 7518, 3.2). */
const MIN_SECRET_LENGTH = 32;

/** Cookies whose signature is known to be good: to verify one costs more than the rest of an answer. */
const REMEMBERED_COOKIES = 10_000;

const HTTP_NAME = 'guest_visitor';
const HTTPS_NAME = `__Host-${HTTP_NAME}`;

interface VerifiedCookie {
  readonly id: string;
  /** Epoch seconds. */
  readonly endsAtS: number;
  /** Whether the key that signs today has signed it. */
  readonly isOfSigningKey: boolean;
}

/**
 * An `authorize` for visitors who have no account: keeps a random id in a signed cookie that no
 * script can read. Pages of other sites can't use it: SameSite keeps the cookie back, and the broker
 * refuses their origin.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option; and at a request by
 *   plain http, where browsers drop the cookie because of its name
 */
export function anonymousVisitors(options: AnonymousVisitorsOptions): Authorize {
  const { cookieName, maxAgeSeconds = 15_552_000, sameSite = 'Lax' } = options;
  const secrets = [options.cookieSecret].flat();
  assertOptions(secrets, { cookieName, maxAgeSeconds, sameSite });
  const keys = secrets.map((secret) => new TextEncoder().encode(secret));
  const [signingKey = new Uint8Array()] = keys;
  const visitorOf = createVerifier(keys);

  async function sign(name: string, id: string, isSecure: boolean): Promise<string> {
    const value = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(id)
      .setAudience(name)
      .setExpirationTime(`${maxAgeSeconds}s`)
      .sign(signingKey);
    return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${sameSite}${isSecure ? '; Secure' : ''}`;
  }

  return async (request) => {
    const https = isHttps(request);
    const name = cookieName ?? (https ? HTTPS_NAME : HTTP_NAME);
    if (!https && isForHttps(name)) {
      throw misconfigured(
        'cookieName',
        `begins like one for https, but a request came by plain http, where browsers drop the cookie; serve https, or have your proxy send X-Forwarded-Proto`,
      );
    }
    for (const value of cookiesOf(request.headers, name)) {
      const known = await visitorOf(name, value);
      if (!known) continue;
      const isLasting =
        known.isOfSigningKey && known.endsAtS - Date.now() / 1000 > maxAgeSeconds / 2;
      const setCookie = isLasting
        ? undefined
        : await sign(name, known.id, https || sameSite === 'None');
      return { externalId: known.id, anonymous: true, setCookie };
    }
    const externalId = crypto.randomUUID();
    const setCookie = await sign(name, externalId, https || sameSite === 'None');
    return { externalId, anonymous: true, isNew: true, setCookie };
  };
}

/** Reads a cookie of that name; undefined where no key of ours has signed it, or it is over. */
function createVerifier(
  keys: readonly Uint8Array[],
): (name: string, value: string) => Promise<VerifiedCookie | undefined> {
  const verified = new LRUCache<string, VerifiedCookie>({ max: REMEMBERED_COOKIES });

  async function verify(name: string, value: string): Promise<VerifiedCookie | undefined> {
    for (const [index, key] of keys.entries()) {
      try {
        const { payload } = await jwtVerify(value, key, {
          algorithms: ['HS256'],
          audience: name,
          requiredClaims: ['sub', 'exp'],
        });
        const { sub: id = '', exp: endsAtS = 0 } = payload;
        return { id, endsAtS, isOfSigningKey: index === 0 };
      } catch {
        // another key's, or nobody's
      }
    }
    return undefined;
  }

  return async (name, value) => {
    const cookie = `${name}=${value}`;
    const known = verified.get(cookie);
    if (known) return known.endsAtS > Date.now() / 1000 ? known : undefined;
    const visitor = await verify(name, value);
    if (visitor) verified.set(cookie, visitor);
    return visitor;
  };
}

function assertOptions(
  secrets: readonly unknown[],
  { cookieName, maxAgeSeconds, sameSite }: Omit<AnonymousVisitorsOptions, 'cookieSecret'>,
): void {
  if (secrets.length === 0 || secrets.some((secret) => !isLongEnough(secret))) {
    throw misconfigured('cookieSecret', `must have ${MIN_SECRET_LENGTH} characters or more`);
  }
  if (cookieName !== undefined && !/^[\w-]+$/.test(cookieName)) {
    throw misconfigured('cookieName', 'must be a plain name');
  }
  if (!Number.isInteger(maxAgeSeconds) || Number(maxAgeSeconds) < 1) {
    throw misconfigured('maxAgeSeconds', 'must be a whole number of 1 or more');
  }
  if (!['Lax', 'Strict', 'None'].includes(String(sameSite))) {
    throw misconfigured('sameSite', 'must be "Lax", "Strict" or "None"');
  }
}

function isLongEnough(secret: unknown): boolean {
  return typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH;
}

function isForHttps(name: string): boolean {
  return /^__(Host|Secure)-/i.test(name);
}

/** Whether the browser speaks https, also to a proxy: that says so, or the page's own origin does. */
function isHttps({ url, headers }: Request): boolean {
  return (
    url.startsWith('https:') ||
    headers.get('X-Forwarded-Proto')?.split(',')[0]?.trim() === 'https' ||
    headers.get('Origin')?.startsWith('https:') === true
  );
}
