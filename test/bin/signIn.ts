import { createHash, randomBytes } from 'node:crypto';

export const redirectUri = 'https://shop.example/back';

/** Where the identity provider of `serve --sandbox` sends a visitor after a sign-in. */
export async function authorize(url: string, asked: Record<string, string>): Promise<URL> {
  const query = new URLSearchParams({ redirect_uri: redirectUri, login_hint: 'ada', ...asked });
  const response = await fetch(`${url}/idp/authorize?${query}`, { redirect: 'manual' });
  return new URL(response.headers.get('Location') ?? '');
}

/** A sign-in with PKCE, as the exchange wants to have it. */
export async function signInWithPkce(
  url: string,
): Promise<{ code: string; redirectUri: string; codeVerifier: string }> {
  const codeVerifier = randomBytes(32).toString('base64url');
  const back = await authorize(url, {
    response_type: 'code',
    state: 's1',
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  if (back.searchParams.get('state') !== 's1') throw new Error('The state got lost.');
  return { code: back.searchParams.get('code') ?? '', redirectUri, codeVerifier };
}
