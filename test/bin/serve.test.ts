// @vitest-environment node
// Over real HTTP, to a process of its own: nothing is mocked on the way.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readGuestToken } from '../../src/core/guestToken.ts';
import { endpointTokenSource } from '../../src/core/tokenSource.ts';
import { newConversation } from '../sandbox/newConversation.ts';
import { type BrokerProcess, startBroker } from './process.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const started: BrokerProcess[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});

async function serve(
  flags: string[] = [],
  env: Record<string, string> = {},
): Promise<{ broker: BrokerProcess; url: string }> {
  const broker = startBroker(['serve', '--sandbox', '--port', '0', ...flags], env);
  started.push(broker);
  const [, url = ''] = await broker.printed(/"listening","url":"([^"]+)"/);
  return { broker, url };
}

const ask = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ channelId: 'webchat-default', attributes: {} }),
  });

describe('guest-token-broker serve --sandbox', () => {
  it('gives a browser a guest token that opens a conversation', async () => {
    const { broker, url } = await serve();
    const source = endpointTokenSource(`${url}/api/guest-token`);
    const request = {
      externalId: 'me',
      channelId: 'webchat-default',
      attributes: {},
      fresh: false,
    };
    const reply = await source(request, { signal: AbortSignal.timeout(5000) });
    const token = readGuestToken(reply);
    expect(token.visitorId).toMatch(/^visitor-/);
    expect(token.lifeMs).toBeGreaterThan(3_590_000);
    expect(broker.output.stdout).not.toContain(token.value);

    const conversations = `${url}/api/api/v2/webchat/guest/conversations`;
    const post = (path: string, body: object): Promise<Response> =>
      fetch(conversations + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token.value}` },
        body: JSON.stringify(body),
      });
    const { id, member } = await (await post('', newConversation)).json();
    expect((await fetch(`${conversations}/${id}/messages`)).status).toBe(401);
    const written = await post(`/${id}/members/${member.id}/messages`, { body: 'Hello?' });
    expect(written.status).toBe(200);
  });

  it('knows a visitor by the cookie, and hands out the same token again', async () => {
    const { url } = await serve();
    const first = await ask(url);
    const cookie = first.headers.getSetCookie()[0]?.replace(/;.*/s, '') ?? '';
    const [one, again, other] = await Promise.all([
      first.json(),
      (await ask(url, { Cookie: cookie })).json(),
      (await ask(url)).json(),
    ]);
    expect(again.token).toBe(one.token);
    expect(other.external_id).not.toBe(one.external_id);
  });

  it('lets only the origins that are named ask from elsewhere', async () => {
    const env = { GUEST_TOKEN_ALLOWED_ORIGINS: 'https://shop.example, https://www.example' };
    const { url } = await serve([], env);
    expect((await ask(url, { Origin: 'https://www.example' })).status).toBe(200);
    expect((await ask(url, { Origin: 'https://evil.example' })).status).toBe(403);
  });

  it('counts at /healthz, and logs lines of JSON without a secret', async () => {
    const { broker, url } = await serve([], {
      GUEST_TOKEN_COOKIE_SECRET: 'a long and secret text, 32+ bytes',
    });
    const reply = await (await ask(`${url}/?page=private`)).json();
    const health = await (await fetch(`${url}/healthz`)).json();
    expect(health).toEqual({
      status: 'ok',
      upSeconds: expect.any(Number),
      counts: expect.any(Object),
    });
    expect(Object.keys(health.counts).length).toBeGreaterThan(0);
    expect((await fetch(`${url}/healthz`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404);

    const lines = broker.output.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'request', method: 'POST', path: '/', status: 200 }),
    );
    for (const secret of [reply.token, 'sandbox-secret', 'a long and secret text', 'private']) {
      expect(broker.output.stdout).not.toContain(secret);
    }
    expect(broker.output.stderr).toBe('');
  });

  it('finishes the request under way when told to stop, takes no other, and exits 0', async () => {
    const { broker, url } = await serve(['--sandbox-fault', 'slow'], { GUEST_TOKEN_DRAIN_MS: '0' });
    const underWay = ask(url);
    const broken = fetch(`${url}/login/oauth/token`, { method: 'POST' });
    await broken; // so that the one before it has arrived too
    broker.child.kill('SIGTERM');
    await broker.printed(/"event":"closing","signal":"SIGTERM"/);
    await expect(ask(url)).rejects.toBeInstanceOf(TypeError);
    expect((await underWay).status).toBe(200);
    expect(await broker.exited).toBe(0);
    expect(broker.output.stdout).toMatch(/"event":"closed"/);
  });

  it('says so when the port is taken, and exits 1', async () => {
    const { url } = await serve();
    const second = startBroker(['serve', '--sandbox', '--port', new URL(url).port]);
    expect(await second.exited).toBe(1);
    expect(second.output.stderr).toMatch(
      /^Can't listen on 127\.0\.0\.1:\d+\. Choose another --port/,
    );
  });
});

describe('guest-token-broker serve', () => {
  it.each([
    ['without', {}],
    ['with too short a', { GUEST_TOKEN_COOKIE_SECRET: 'short' }],
  ])('%s cookie secret names the variable, and exits 2', async (_, env) => {
    const client = { GENESYS_CLIENT_ID: 'a', GENESYS_CLIENT_SECRET: 'b' };
    const broker = startBroker(['serve'], { ...client, ...env });
    expect(await broker.exited).toBe(2);
    expect(broker.output.stderr).toMatch(/^Set GUEST_TOKEN_COOKIE_SECRET /);
  });
});
