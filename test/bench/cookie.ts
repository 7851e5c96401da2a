import { anonymousVisitors } from '../../src/server/anonymousVisitors.ts';

export const COOKIE_SECRET = 'a secret of thirty-two characters';

/** What the browser of a visitor without an account sends along. */
export async function visitorCookie(): Promise<string> {
  const authorize = anonymousVisitors({ cookieSecret: COOKIE_SECRET });
  const visitor = await authorize(new Request('http://127.0.0.1/'));
  return visitor?.setCookie?.replace(/;.*/s, '') ?? '';
}
