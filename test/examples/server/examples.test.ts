// @vitest-environment node
// The examples of the README, run: over real HTTP where the runtime is at hand, else called as their platform calls them.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { genesysSandbox } from '../../../src/sandbox/genesysSandbox.ts';
import { anyRedis, hasRedis } from '../../redis/redisServer.ts';

const sandbox = genesysSandbox();
// what is not for Genesys goes to a server of this machine
const network = setupServer(...sandbox.handlers);

const env = {
  GENESYS_CLIENT_ID: sandbox.clientId,
  GENESYS_CLIENT_SECRET: sandbox.clientSecret,
  GENESYS_ENVIRONMENT: 'mypurecloud.com',
  COOKIE_SECRET: 'a secret of the tests, 32 or more',
  POOL_KEY: 'another secret of the tests, 32 or more',
  PORT: '0',
};

beforeAll(() => {
  network.listen({ onUnhandledFrame: 'bypass' });
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});
afterEach(() => sandbox.reset());
afterAll(() => network.close());

type Send = (init: RequestInit) => Promise<Response>;

const post = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body,
});

/** What every adapter must let through, both ways: body, headers, cookies, status, problem. */
async function expectBroker(send: Send): Promise<void> {
  const first = await send(post(JSON.stringify({ attributes: { page: '/' } })));
  expect(first.status).toBe(200);
  expect(first.headers.get('Cache-Control')).toBe('no-store');
  const cookie = first.headers.getSetCookie()[0] ?? '';
  expect(cookie).toMatch(/^(__Host-)?guest_visitor=.*HttpOnly/);
  const { token } = await first.json();
  expect(token).toMatch(/^eyJ/);

  const again = await send(post('{}', { Cookie: cookie.replace(/;.*/s, '') }));
  expect((await again.json()).token).toBe(token);
  expect(again.headers.getSetCookie()).toEqual([]);

  const broken = await send(post('{ not JSON'));
  expect(broken.status).toBe(400);
  expect(broken.headers.get('Content-Type')).toBe('application/problem+json');
  expect(await broken.json()).toMatchObject({ code: 'rejected' });

  const foreign = await send(post('{}', { Origin: 'https://evil.example' }));
  expect(foreign.status).toBe(403);
}

const over =
  (address: AddressInfo | string | null | undefined): Send =>
  (init) => {
    const { port } = typeof address === 'object' && address !== null ? address : { port: 0 };
    return fetch(`http://127.0.0.1:${port}/api/guest-token`, init);
  };

const called =
  (handler: (request: Request) => Promise<Response>): Send =>
  (init) =>
    handler(new Request('https://shop.example/api/guest-token', init));

const lambdaContext = {
  callbackWaitsForEmptyEventLoop: true,
  functionName: 'broker',
  functionVersion: '1',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:0:function:broker',
  memoryLimitInMB: '128',
  awsRequestId: 'one',
  logGroupName: 'logs',
  logStreamName: 'log',
  getRemainingTimeInMillis: () => 1000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

describe('the example for', () => {
  it('Express answers over HTTP', async () => {
    const { server } = await import('./express.ts');
    await expectBroker(over(server.address()));
    server.close();
  });

  it('Hono answers over HTTP', async () => {
    const { server } = await import('./hono.ts');
    await server.ready();
    await expectBroker((init) => fetch(new URL('/api/guest-token', server.url), init));
    await server.close();
  });

  it('Fastify answers over HTTP', async () => {
    const { app } = await import('./fastify.ts');
    await expectBroker(over(app.server.address()));
    await app.close();
  });

  it('a Next.js route handler answers', async () => {
    const { POST } = await import('./nextRoute.ts');
    await expectBroker(called(POST));
  });

  it('Cloudflare Workers answers', async () => {
    const { default: worker } = await import('./workers.ts');
    await expectBroker(called((request) => worker.fetch(request, env)));
  });

  it('AWS Lambda answers events of an HTTP API', async () => {
    const { handler } = await import('./lambda.ts');
    await expectBroker(async (init) => {
      const { headers, body } = init;
      const { cookie, ...others } = Object.fromEntries(new Headers(headers).entries());
      const result = await handler(
        {
          version: '2.0',
          routeKey: 'POST /api/guest-token',
          rawPath: '/api/guest-token',
          rawQueryString: '',
          cookies: cookie === undefined ? [] : [cookie],
          headers: { host: 'shop.example', ...others },
          requestContext: { http: { method: 'POST', path: '/api/guest-token' } },
          body: Buffer.from(String(body)).toString('base64'),
          isBase64Encoded: true,
        },
        lambdaContext,
      );
      if (typeof result === 'string') throw new Error(result);
      const answer = new Response(result.body, {
        status: result.statusCode ?? 200,
        headers: new Headers(Object.entries(result.headers ?? {}).map(([n, v]) => [n, String(v)])),
      });
      const cookies = 'cookies' in result ? (result.cookies ?? []) : [];
      for (const cookie of cookies) answer.headers.append('Set-Cookie', cookie);
      return answer;
    });
  });

  it.skipIf(!hasRedis)('several machines on Redis answers', async () => {
    const redis = await anyRedis();
    vi.stubEnv('REDIS_URL', redis.url);
    const log = vi.spyOn(console, 'log').mockReturnValue();
    const { broker, redis: client } = await import('./redis.ts');
    if (!client.isReady) await once(client, 'ready');
    await expectBroker(called(broker));
    expect(await client.keys('react-guest-token:*')).not.toEqual([]);
    expect(log).toHaveBeenCalledWith(expect.stringMatching(/^{"type":"issued"/));
    log.mockRestore();
    await client.close();
    await redis.close();
  });
});
