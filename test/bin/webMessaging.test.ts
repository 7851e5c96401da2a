// @vitest-environment node
// Web Messaging against `serve --sandbox`, over real HTTP and a real WebSocket.
import { describe, expect, it, vi } from 'vitest';
import { said } from '../sandbox/messagingClient.ts';
import { dial, type RealSocket } from '../sandbox/realSocket.ts';
import { testServers } from './serving.ts';
import { authorize, redirectUri, signInWithPkce } from './signIn.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const deploymentId = 'sandbox-deployment';
const servers = testServers();

const open = (url: string, token: string): Promise<RealSocket> =>
  dial(`${url.replace('http', 'ws')}/webmessaging/v1?deploymentId=${deploymentId}`, {
    deploymentId,
    token,
  });

const post = (url: string, path: string, body: object): Promise<Response> =>
  fetch(`${url}/api/api/v2/webdeployments/token/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ deploymentId, ...body }),
  });

const history = (url: string, jwt: unknown): Promise<Response> =>
  fetch(`${url}/api/api/v2/webmessaging/messages`, { headers: { Authorization: `Bearer ${jwt}` } });

async function signedIn(url: string): Promise<{ jwt: string; refreshToken: string }> {
  const oauth = await signInWithPkce(url);
  return (await post(url, 'oauthcodegrantjwtexchange', { oauth })).json();
}

describe('a Node client of serve --sandbox', () => {
  it('configures an anonymous session, converses, and reads its history until the JWT is over', async () => {
    const { url } = await servers.serve({}, ['--sandbox-fault', 'short-jwt']);
    const client = await open(url, 'uuid-1');
    expect((await client.ask('configureSession')).body).toMatchObject({
      connected: true,
      newSession: true,
    });
    expect((await client.ask('echo', said('ping'))).body.text).toBe('ping');
    expect((await client.ask('onMessage', said('Hello?'))).body.text).toBe('Hello?');
    const answer = await client.next();
    expect(answer.body).toMatchObject({ direction: 'Outbound', text: expect.any(String) });
    const { jwt } = (await client.ask('getJwt')).body;
    const read = await history(url, jwt);
    expect((await read.json()).entities.map(({ text }: { text: string }) => text)).toEqual([
      answer.body.text,
      'Hello?',
    ]);
    // The JWT lives two seconds.
    await expect.poll(async () => (await history(url, jwt)).status, { timeout: 5000 }).toBe(401);
    expect((await history(url, (await client.ask('getJwt')).body.jwt)).status).toBe(200);
  });

  it('signs in with PKCE, configures an authenticated session, and is logged out by a revocation', async () => {
    const { url } = await servers.serve();
    const stolen = { ...(await signInWithPkce(url)), codeVerifier: 'a-guess' };
    expect((await post(url, 'oauthcodegrantjwtexchange', { oauth: stolen })).status).toBe(401);
    const { jwt, refreshToken } = await signedIn(url);
    const client = await open(url, 'uuid-1');
    const configure = (code: string) =>
      client.ask('configureAuthenticatedSession', { data: { code } });
    expect((await configure(jwt)).body.newSession).toBe(true);
    expect((await configure('made-up')).code).toBe(401);
    const refreshed = await (await post(url, 'refresh', { refreshToken })).json();
    expect((await configure(refreshed.jwt)).body.newSession).toBe(false);
    const { jwt: historyJwt } = (await client.ask('getJwt')).body;
    expect((await history(url, historyJwt)).status).toBe(200);

    await fetch(`${url}/api/api/v2/webdeployments/token/revoke`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${refreshed.jwt}` },
    });
    expect((await client.next()).class).toBe('LogoutEvent');
    expect((await client.ask('getJwt')).code).toBe(4006);
    expect((await configure(refreshed.jwt)).code).toBe(401);
    expect((await post(url, 'refresh', { refreshToken })).status).toBe(401);
  });

  it('signs in with the implicit flow: an ID token with its nonce and its redirect URI', async () => {
    const { url } = await servers.serve();
    async function exchange(changes: object): Promise<Response> {
      const back = await authorize(url, { response_type: 'id_token', nonce: 'n1' });
      const idToken = new URLSearchParams(back.hash.slice(1)).get('id_token');
      const oauth = { idToken, nonce: 'n1', redirectUri, ...changes };
      return post(url, 'oauthcodegrantjwtexchange', { oauth });
    }
    expect((await exchange({ nonce: 'n2' })).status).toBe(401);
    expect((await exchange({ redirectUri: 'https://evil.example/' })).status).toBe(400);
    const { jwt } = await (await exchange({})).json();
    const client = await open(url, 'uuid-1');
    const answer = await client.ask('configureAuthenticatedSession', { data: { code: jwt } });
    expect(answer.body.newSession).toBe(true);
  });

  it('is told what is wrong with a sign-in, and is sent nowhere', async () => {
    const { url } = await servers.serve();
    const errorOf = async (query: Record<string, string>): Promise<unknown> => {
      const response = await fetch(`${url}/idp/authorize?${new URLSearchParams(query)}`);
      return [response.status, (await response.json()).error];
    };
    const good = { redirect_uri: redirectUri, response_type: 'code', login_hint: 'ada' };
    expect(await errorOf({ ...good, redirect_uri: 'javascript:1' })).toEqual([
      400,
      'invalid_request',
    ]);
    expect(await errorOf({ ...good, response_type: 'token' })).toEqual([
      400,
      'unsupported_response_type',
    ]);
    expect(await errorOf({ ...good, login_hint: '' })).toEqual([400, 'login_required']);
    expect(await errorOf({ ...good, code_challenge: 'x' })).toEqual([400, 'invalid_request']);
  });

  it('is closed when the server stops', async () => {
    const { broker, url } = await servers.serve();
    const client = await open(url, 'uuid-1');
    broker.child.kill('SIGINT');
    expect(await client.closed).toBe(1006);
    expect(await broker.exited).toBe(0);
  });
});
