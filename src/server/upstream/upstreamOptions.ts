import { misconfigured } from '../../core/errors.ts';

/**
 * A base URL without a slash at its end: the explicit one, else a host of the environment.
 *
 * @throws GuestTokenError `misconfigured`, naming the option
 */
export function baseUrl(
  option: string,
  explicit: string | undefined,
  host: string,
  environment: string,
): string {
  if (explicit !== undefined) {
    const url = URL.canParse(explicit) ? new URL(explicit) : undefined;
    if (!url || !isSafe(url) || url.username || url.password || url.search || url.hash) {
      throw misconfigured(
        option,
        'must be an https URL without user, query or fragment; http on this machine only',
      );
    }
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  }
  // A host name and nothing else: no scheme, path or port smuggled in.
  if (!/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i.test(environment)) {
    throw misconfigured('environment', 'must be a domain such as mypurecloud.ie');
  }
  return `https://${host}.${environment}`;
}

/** Secrets do not travel in the clear; plain http is for the sandbox and tests on this machine. */
function isSafe(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** @throws GuestTokenError `misconfigured` unless it is a non-empty string that can stand in a header */
export function required(option: string, value: unknown): string {
  if (isHeaderWord(value)) return value;
  throw misconfigured(option, 'must be a non-empty string of plain characters without blanks');
}

/** A text that can stand in a header: anything else may be an attempt to split it. */
export function isHeaderWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}

/** Names an organisation: region, API and client. Not the port, which a sandbox takes at random. */
export function scopeOf(apiUrl: string, path: string, client: string): string {
  const { hostname, pathname } = new URL(apiUrl + path);
  return JSON.stringify([hostname, pathname, client]);
}
