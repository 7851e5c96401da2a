// @vitest-environment node
import { describe, expect, it, vi } from 'vitest';
import { ask, testServers } from './serving.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { serve, serveWithGenesys, dial } = testServers();

const look = async (url: string): Promise<{ status: number; state: Record<string, unknown> }> => {
  const response = await fetch(url);
  return { status: response.status, state: await response.json() };
};

describe('/readyz', () => {
  it('is ready when the login works, which it tries without asking for a guest token', async () => {
    const { url, genesys } = await serveWithGenesys();
    const looks = await Promise.all([1, 2, 3].map(() => look(`${url}/readyz`)));
    expect(looks).toEqual(
      looks.map(() => ({
        status: 200,
        state: { status: 'ready', login: 'ok', circuit: 'closed' },
      })),
    );
    expect([genesys.count('login'), genesys.count('visitor')]).toEqual([1, 0]);
  });

  it('is not ready with a wrong secret, while /healthz says that the process is alive', async () => {
    const { url } = await serve({}, ['--sandbox-fault', 'wrong-secret']);
    expect(await look(`${url}/healthz`)).toMatchObject({ status: 200, state: { status: 'ok' } });
    expect(await look(`${url}/readyz`)).toEqual({
      status: 503,
      state: { status: 'not ready', login: 'unauthorized', circuit: 'closed' },
    });
  });

  it('notices at once that a login which worked is refused now', async () => {
    const { url, genesys } = await serveWithGenesys();
    expect(await look(`${url}/readyz`)).toMatchObject({ status: 200 });
    genesys.revokeAccessTokens();
    genesys.fault('login', 'unauthorized');
    expect((await ask(url)).status).toBe(401);
    expect(await look(`${url}/readyz`)).toMatchObject({
      status: 503,
      state: { login: 'unauthorized' },
    });
  });

  it('counts its login as one of the calls that Genesys allows in a minute', async () => {
    const { url } = await serveWithGenesys({
      GUEST_TOKEN_UPSTREAM: '2',
      GUEST_TOKEN_MAX_WAIT_MS: '0',
      GUEST_TOKEN_TRUSTED_PROXIES: '1',
    });
    expect(await look(`${url}/readyz`)).toMatchObject({ status: 200 });
    expect((await ask(url, { 'X-Forwarded-For': '203.0.113.1' })).status).toBe(200);
    expect((await ask(url, { 'X-Forwarded-For': '203.0.113.2' })).status).toBe(429);
  });

  it('answers in time for a probe when the login hangs', async () => {
    const { url, genesys } = await serveWithGenesys();
    genesys.fault('login', 'hang');
    expect(await look(`${url}/readyz`)).toMatchObject({ status: 503, state: { login: 'pending' } });
  });

  it('tells of an open circuit and of a Redis that is away, and stays ready without them', async () => {
    const { url, genesys } = await serveWithGenesys({ REDIS_URL: 'redis://127.0.0.1:1' });
    genesys.fault('visitor', 'unavailable');
    for (let visitor = 0; visitor < 6; visitor++) await ask(url);
    expect(await look(`${url}/readyz`)).toEqual({
      status: 200,
      state: { status: 'ready', login: 'ok', circuit: 'open', redis: 'away' },
    });
  });
});

it('a probe by HEAD gets the same status, and no body', async () => {
  const { url } = await serve({}, ['--sandbox-fault', 'wrong-secret']);
  const answers = await Promise.all(
    ['/healthz', '/readyz'].map((path) => fetch(url + path, { method: 'HEAD' })),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 503]);
  expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['', '']);
});

describe('a process that is told to stop', () => {
  it('first says that it is not ready and serves on, then closes and exits 0', async () => {
    const { broker, url } = await serve({ GUEST_TOKEN_DRAIN_MS: '1500' });
    broker.child.kill('SIGTERM');
    await broker.printed(/"event":"draining","signal":"SIGTERM","drainMs":1500/);
    expect(await look(`${url}/readyz`)).toMatchObject({
      status: 503,
      state: { status: 'draining' },
    });
    expect((await look(`${url}/healthz`)).status).toBe(200);
    expect((await ask(url)).status).toBe(200);
    await broker.printed(/"event":"closing"/);
    await expect(ask(url)).rejects.toBeInstanceOf(TypeError);
    expect(await broker.exited).toBe(0);
  });

  it('ends at once on a second signal', async () => {
    const { broker } = await serve({ GUEST_TOKEN_DRAIN_MS: '600000' });
    broker.child.kill('SIGTERM');
    await broker.printed(/"event":"draining"/);
    broker.child.kill('SIGTERM');
    expect(await broker.exited).toBe(1);
    expect(broker.output.stdout).toMatch(/"event":"killed","signal":"SIGTERM"/);
  });

  it('skips the drain for Ctrl-C', async () => {
    const { broker } = await serve({ GUEST_TOKEN_DRAIN_MS: '600000' });
    broker.child.kill('SIGINT');
    expect(await broker.exited).toBe(0);
    expect(broker.output.stdout).not.toMatch(/draining/);
  });

  it('is not held up by connections that have sent nothing, half a head or half a body', async () => {
    const { broker, url } = await serve({
      GUEST_TOKEN_DRAIN_MS: '0',
      GUEST_TOKEN_SHUTDOWN_MS: '9000',
    });
    const [silent, inHead, inBody] = [await dial(url), await dial(url), await dial(url)];
    inHead.socket.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    inBody.socket.write(
      'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{',
    );
    await ask(url); // so that those before it have arrived too
    broker.child.kill('SIGTERM');
    await Promise.all([silent.closed, inHead.closed, inBody.closed]);
    expect(await broker.exited).toBe(0);
    expect(broker.output.stdout).toMatch(/"event":"closed"/);
  });
});
