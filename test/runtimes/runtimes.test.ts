// The built package on the server runtimes that the README names, over real HTTP, in front of the sandbox.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpServer, listen } from '../../src/bin/httpServer.ts';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import type { Upstreams } from './handler.ts';
import { type RuntimeServer, startServer, startWorker, workerEntry } from './runtimes.ts';

const cloud = createSandboxCloud();
/** Requests that reached the target of a redirect. */
const misled: Request[] = [];
/** What the guest fetch sent along. */
const calls: (string | null)[] = [];
const servers: HttpServer[] = [];
let upstreams: Upstreams;
let elsewhere: HttpServer;

async function open(answer: (request: Request) => Promise<Response>): Promise<HttpServer> {
  const server = await listen({ port: 0, hostname: '127.0.0.1' }, answer);
  servers.push(server);
  return server;
}

/** Genesys on one port, told apart by path, or by host where a request still names it. */
async function genesys(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === '/echo') {
    calls.push(request.headers.get('Authorization'));
    return new Response(await request.text());
  }
  const { method, headers } = request;
  const host = pathname === '/oauth/token' ? cloud.loginUrl : cloud.apiUrl;
  return cloud.fetch(host + pathname, { method, headers, body: await request.text() });
}

beforeAll(async () => {
  const sandbox = await open(genesys);
  elsewhere = await open(async (request) => {
    misled.push(request);
    return Response.json({ access_token: 'a', token_type: 'bearer', expires_in: 60 });
  });
  const redirecting = await open(async (request) => {
    const { pathname } = new URL(request.url);
    return Response.redirect(`${elsewhere.url}${pathname}`, 307);
  });
  upstreams = {
    LOGIN_URL: sandbox.url,
    API_URL: sandbox.url,
    REDIRECTING_URL: redirecting.url,
  };
});
afterAll(async () => {
  for (const server of servers) await server.close(true);
});

const post = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ attributes: { page: '/' } }),
  });

async function expectToken(url: string): Promise<void> {
  const first = await post(url);
  const text = await first.text();
  expect(first.status, text).toBe(200);
  const { token } = JSON.parse(text);
  expect(token).toMatch(/^eyJ/);
  const [cookie = ''] = first.headers.getSetCookie();
  expect(cookie).toMatch(/^guest_visitor=.*HttpOnly/);
  const again = await post(url, { Cookie: cookie.replace(/;.*/s, '') });
  expect((await again.json()).token).toBe(token);
}

describe.each(['workerd', 'deno', 'bun'] as const)('on %s', (runtime) => {
  let server: RuntimeServer;

  beforeAll(async () => {
    server =
      runtime === 'workerd'
        ? await startWorker({ entry: workerEntry, variables: { ...upstreams } })
        : await startServer(runtime, { ...upstreams });
  });
  afterAll(() => server?.close());

  it('the broker answers a visitor, and the second page gets the same token', async () => {
    await expectToken(`${server.url}/api/guest-token`);
  });

  it.each(['throws', 'rejects'])(
    'a listener that %s costs nobody the token, and the process lives on',
    async (how) => {
      await expectToken(`${server.url}/listener-${how}`);
      await expectToken(`${server.url}/listener-${how}`);
      expect(server.isRunning()).toBe(true);
      await expect.poll(server.printed).toContain('onEvent has failed');
    },
  );

  it.each(['login', 'api'])(
    'a redirect of the %s host is refused and not followed',
    async (which) => {
      misled.length = 0;
      const refused = await post(`${server.url}/${which}-redirects`);
      expect(refused.status).toBe(502);
      expect(await refused.json()).toMatchObject({ code: 'rejected', reason: 'redirected' });
      expect(misled).toEqual([]);
    },
  );

  it('the guest fetch carries its token', async () => {
    calls.length = 0;
    const response = await post(`${server.url}/call`);
    expect(await response.json()).toEqual({ status: 200 });
    expect(calls).toEqual(['Bearer guest-token']);
  });

  it('a redirect takes the token of the guest fetch nowhere', async () => {
    misled.length = 0;
    const response = await post(`${server.url}/call-redirects`);
    expect(await response.json()).toEqual({ error: 'GuestTokenError' });
    expect(misled.filter(({ headers }) => headers.has('Authorization'))).toEqual([]);
  });
});

describe("README's example for Cloudflare Workers", () => {
  it('answers on workerd as it stands', async () => {
    const server = await startWorker({
      entry: new URL('../examples/server/workers.ts', import.meta.url),
      variables: {
        GENESYS_CLIENT_ID: cloud.clientId,
        GENESYS_CLIENT_SECRET: cloud.clientSecret,
        GENESYS_ENVIRONMENT: 'mypurecloud.com',
        COOKIE_SECRET: 'a secret of the tests, 32 or more',
      },
      outbound: new URL(upstreams.API_URL).host,
    });
    try {
      await expectToken(`${server.url}/`);
    } finally {
      await server.close();
    }
  });
});
