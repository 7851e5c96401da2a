// @vitest-environment node
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listen } from '../../src/bin/httpServer.ts';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { fakeClocks } from './limits/clock.ts';
import { ask, gate, openShop, problem, reply } from './shop.ts';

afterEach(() => vi.useRealTimers());

describe('slow answers and pages that go away', () => {
  const fake = fakeClocks;

  it.each([
    ['hangs', (init?: RequestInit) => rejectOnAbort(init?.signal)],
    ['hangs and does not heed its signal', () => new Promise<never>(() => undefined)],
    ['sends half an answer', async () => new Response(new ReadableStream())],
  ])('a Genesys that %s is given up after 9 s', async (_how, hang) => {
    fake();
    const asked = gate();
    const { broker } = openShop({}, {}, (sandbox) => (input, init) => {
      if (!String(input).endsWith('/visitors')) return sandbox.fetch(input, init);
      asked.open();
      return hang(init);
    });
    const answer = broker(ask());
    await asked.opened;
    await vi.advanceTimersByTimeAsync(8_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await problem(answer)).toMatchObject({ status: 504, code: 'timed_out' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('expires_in counts from the start of the upstream call, and goes down in the pool', async () => {
    fake();
    const { broker } = openShop({}, { tokenLifeSeconds: 3600 }, (sandbox) => async (...call) => {
      const response = await sandbox.fetch(...call);
      vi.setSystemTime(Date.now() + 1_000);
      return response;
    });
    const first = await reply(broker(ask()));
    vi.setSystemTime(Date.now() + 100_000);
    expect(first.expires_in - (await reply(broker(ask()))).expires_in).toBe(100);
    expect(first.expires_in).toBeLessThanOrEqual(3599);
  });

  it('one who goes away does not cost the others their token, nor the pool', async () => {
    const asked = gate();
    const answerNow = gate();
    const { broker, sandbox } = openShop({}, {}, (cloud) => async (input, init) => {
      asked.open();
      await answerNow.opened;
      return cloud.fetch(input, init);
    });
    const leaving = new AbortController();
    const gone = broker(ask({ signal: leaving.signal }));
    await asked.opened;
    const staying = reply(broker(ask()));
    leaving.abort();
    answerNow.open();
    const { token } = await staying;
    await gone;
    expect((await reply(broker(ask()))).token).toBe(token);
    expect(sandbox.count('visitor')).toBe(1);
  });
});

describe('a redirect of Genesys, or of a host that poses as it', () => {
  it.each(['login', 'visitor'] as const)(
    'is not followed at the %s call: neither secret nor access token reaches its target',
    async (operation) => {
      const reached: string[] = [];
      const elsewhere = await listen({ port: 0, hostname: '127.0.0.1' }, (request) => {
        reached.push(request.url);
        return Response.json({ access_token: 'a', token_type: 'bearer', expires_in: 60 });
      });
      const cloud = createSandboxCloud();
      const genesys = await listen({ port: 0, hostname: '127.0.0.1' }, async (request) => {
        const { pathname } = new URL(request.url);
        const isLogin = pathname === '/oauth/token';
        if (isLogin === (operation === 'login')) {
          return Response.redirect(`${elsewhere.url}${pathname}`, 307);
        }
        const { method, headers } = request;
        const to = `${isLogin ? cloud.loginUrl : cloud.apiUrl}${pathname}`;
        return cloud.fetch(to, { method, headers, body: await request.text() });
      });
      try {
        const { clientId, clientSecret } = cloud;
        const urls = { apiUrl: genesys.url, loginUrl: genesys.url };
        const { broker } = openShop({
          issuer: webchatVisitors({ clientId, clientSecret, ...urls }),
        });
        expect(await problem(broker(ask()))).toMatchObject({
          status: 502,
          code: 'rejected',
          reason: 'redirected',
        });
        expect(reached).toEqual([]);
      } finally {
        await genesys.close();
        await elsewhere.close();
      }
    },
  );

  it('is refused too where the runtime hides its status', async () => {
    const opaque = Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' });
    const { broker } = openShop({}, {}, () => async () => opaque);
    expect(await problem(broker(ask()))).toMatchObject({ status: 502, reason: 'redirected' });
  });
});

describe('a login that answers without end', () => {
  it('is not read to its end', async () => {
    let sent = 0;
    const { broker } = openShop({}, {}, () => async () => {
      const body = new ReadableStream({
        pull(controller) {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536).fill(0x20));
          if (sent > 8_000_000) controller.close();
        },
      });
      return new Response(body, { headers: { 'Content-Type': 'application/json' } });
    });
    expect(await problem(broker(ask()))).toMatchObject({ status: 502, code: 'malformed_reply' });
    expect(sent).toBeLessThan(1_000_000);
  });
});

function rejectOnAbort(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}
