import type { SandboxCloud } from '../sandbox/sandboxCloud.ts';

/**
 * An identity provider where everybody may sign in as whom they like: the authorization endpoint of
 * OAuth 2 and OpenID Connect, for `response_type` `code` (with PKCE) and `id_token`. Nobody is asked
 * for a password: `login_hint` is who signs in.
 */
export function authorize(sandbox: SandboxCloud, { searchParams }: URL): Response {
  const asked = Object.fromEntries(searchParams);
  const problem = problemOf(asked);
  if (problem !== undefined) return Response.json({ error: problem }, { status: 400 });
  const { redirect_uri: redirectUri = '', login_hint: externalId = '', state } = asked;
  const isImplicit = asked.response_type === 'id_token';
  const { code_challenge: codeChallenge, nonce } = asked;
  const granted = sandbox.signIn({
    externalId,
    redirectUri,
    responseType: isImplicit ? 'id_token' : 'code',
    ...(codeChallenge !== undefined && { codeChallenge }),
    ...(nonce !== undefined && { nonce }),
  });
  const answer = new URLSearchParams({ [isImplicit ? 'id_token' : 'code']: granted });
  if (state !== undefined) answer.set('state', state);
  const back = new URL(redirectUri);
  // OpenID Connect: a token goes into the fragment, which reaches no server
  if (isImplicit) back.hash = answer.toString();
  else for (const [name, value] of answer) back.searchParams.set(name, value);
  return new Response(null, { status: 302, headers: { Location: back.href } });
}

/** OAuth's word for what is wrong. */
function problemOf(asked: Partial<Record<string, string>>): string | undefined {
  const { response_type: type, redirect_uri: redirectUri = '', login_hint: externalId } = asked;
  if (!/^https?:/.test(redirectUri) || !URL.canParse(redirectUri)) return 'invalid_request';
  if (type !== 'code' && type !== 'id_token') return 'unsupported_response_type';
  if (!externalId) return 'login_required';
  const isPlain = asked.code_challenge !== undefined && asked.code_challenge_method !== 'S256';
  return isPlain ? 'invalid_request' : undefined;
}
