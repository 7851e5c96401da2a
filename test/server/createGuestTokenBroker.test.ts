// @vitest-environment node
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listen } from '../../src/bin/httpServer.ts';
import { endpointTokenSource } from '../../src/core/tokenSource.ts';
import type { Authorize, AuthorizedVisitor } from '../../src/server/authorize.ts';
import type { GuestTokenIssuer, IssuedToken } from '../../src/server/issuers/issuer.ts';
import { fakeClocks } from './limits/clock.ts';
import { ask, authorize, openShop, problem, reply } from './shop.ts';

afterEach(() => vi.useRealTimers());

describe('who the visitor is', () => {
  it('is what authorize says', async () => {
    const { broker, sandbox } = openShop();
    expect((await reply(broker(ask({ user: 'bob' })))).external_id).toBe('bob');
    expect(sandbox.requests.at(-1)?.body).toMatchObject({ externalId: 'bob' });
  });

  it('nobody: 401, and no call', async () => {
    const { broker, sandbox } = openShop();
    expect(await problem(broker(ask({ user: null })))).toMatchObject({
      status: 401,
      code: 'unauthorized',
    });
    expect(sandbox.count()).toBe(0);
  });

  it('a body that claims another visitor is refused, and no call is made', async () => {
    const { broker, sandbox } = openShop();
    const refused = await problem(broker(ask({ user: 'ada', body: { externalId: 'bob' } })));
    expect(refused).toMatchObject({ status: 403, code: 'identity_mismatch' });
    expect(JSON.stringify(refused)).not.toMatch(/ada|bob/);
    expect(sandbox.count()).toBe(0);
    await reply(broker(ask({ user: 'ada', body: { externalId: 'ada' } })));
  });

  it("the server's attributes are stronger than the browser's", async () => {
    const { broker, sandbox } = openShop({
      authorize: async () => ({ externalId: 'ada', attributes: { tier: 'gold' } }),
    });
    await reply(broker(ask({ body: { attributes: { tier: 'diamond', page: '/' } } })));
    expect(sandbox.requests.at(-1)?.body).toMatchObject({
      attributes: { tier: 'gold', page: '/' },
    });
  });

  it.each([
    [new Error('password hunter2'), 503, 'unavailable', 'Error'],
    [new TypeError('hunter2.example did not answer'), 503, 'unavailable', 'TypeError'],
    [Object.assign(new Error('hunter2'), { status: 403 }), 403, 'forbidden', undefined],
    [new Response('hunter2', { status: 401 }), 401, 'unauthorized', undefined],
    [new DOMException('hunter2', 'AbortError'), 503, 'unavailable', 'AbortError'],
    ['hunter2', 503, 'unavailable', undefined],
    [undefined, 503, 'unavailable', undefined],
  ])(
    'an authorize that throws %s is answered %i %s, without its message',
    async (thrown, status, code, name) => {
      const { broker, events, sandbox } = openShop({ authorize: () => Promise.reject(thrown) });
      const refused = await problem(broker(ask()));
      expect(refused).toMatchObject({ status, code });
      expect(events).toMatchObject([{ type: 'failed', status, code }]);
      expect(events[0]).toHaveProperty('thrown', name);
      expect(JSON.stringify([refused, events])).not.toContain('hunter2');
      expect(sandbox.count()).toBe(0);
    },
  );

  it('an authorize that throws again and again does not make the broker leave Genesys alone', async () => {
    let fails = true;
    const { broker } = openShop({
      async authorize(request) {
        if (fails) throw new Error('down');
        return authorize(request);
      },
    });
    for (let time = 0; time < 10; time++) await problem(broker(ask()));
    fails = false;
    await reply(broker(ask()));
  });

  it.each([
    undefined,
    {},
    { externalId: '' },
    { externalId: 7 },
    { externalId: 'ada', setCookie: 'a=b\r\nX-Evil: 1' },
    { externalId: 'ada', setCookie: 'a=ü' },
  ])('an authorize that yields %j is told what it should', async (visitor) => {
    const { broker } = openShop({ authorize: async () => visitor as AuthorizedVisitor });
    const refused = await problem(broker(ask()));
    expect(refused).toMatchObject({ status: 500, code: 'misconfigured' });
    expect(refused.detail).toContain('authorize');
  });

  it('a synchronous authorize does as well', async () => {
    const inJavaScript: unknown = (request: Request) => ({
      externalId: request.headers.get('X-User'),
    });
    await reply(openShop({ authorize: inJavaScript as Authorize }).broker(ask()));
  });

  it('a cookie of authorize is set with the token', async () => {
    const setCookie = 'session=1; HttpOnly';
    const { broker } = openShop({ authorize: async () => ({ externalId: 'ada', setCookie }) });
    expect((await broker(ask())).headers.get('Set-Cookie')).toBe(setCookie);
  });
});

describe('a token never reaches another identity', () => {
  const ids = [
    'ada',
    'Ada',
    'ada ',
    'a"d"a',
    '["ada"]',
    '","',
    'ada,null',
    'null',
    'undefined',
    '__proto__',
    'constructor',
    'a:b',
    'a\u0000b',
    'a b',
    'a\\b',
    'é',
    'e\u0301',
    '😀',
    '\u202eada',
    'ℵ',
    'x'.repeat(500),
    `${'x'.repeat(499)}y`,
  ];

  it('whatever their ids and channels look like, visitors get their own, also from the pool', async () => {
    const channelId = ['webchat-default', 'ada', '"', '","', 'null'];
    const { broker, sandbox } = openShop({}, { channelId });
    const owners = new Map<string, string>();
    for (const round of ['issued', 'pooled']) {
      const answers = ids.flatMap((user) =>
        channelId.map(async (channel) => {
          const { token, external_id } = await reply(
            broker(ask({ user, body: { externalId: user, channelId: channel } })),
          );
          expect(external_id).toBe(user);
          return [token, JSON.stringify([user, channel])] as const;
        }),
      );
      for (const [token, owner] of await Promise.all(answers)) {
        expect(owners.get(token) ?? owner).toBe(owner);
        owners.set(token, owner);
      }
      expect(owners.size, round).toBe(ids.length * channelId.length);
    }
    expect(sandbox.count('visitor')).toBe(ids.length * channelId.length);
  });

  it('ids that are no well-formed text stay apart', async () => {
    const calls: string[] = [];
    const issuer: GuestTokenIssuer = {
      async issue({ externalId }) {
        calls.push(externalId);
        return { id: '1', token: `t${calls.length}`, expires_in: 900 };
      },
    };
    for (const pool of [undefined]) {
      const visitors = ['\ud800', '\udc00', '\ufffd'];
      let next = 0;
      const { broker } = openShop({
        issuer,
        pool,
        authorize: async () => ({ externalId: visitors[next++ % 3] ?? '' }),
      });
      const tokens = [];
      for (let time = 0; time < 6; time++) tokens.push((await reply(broker(ask()))).token);
      expect(tokens).toEqual(['t1', 't2', 't3', 't1', 't2', 't3']);
    }
  });

  it('an issuer that answers for another visitor is not believed', async () => {
    const issuer: GuestTokenIssuer = {
      issue: async () => ({ id: '1', token: 't', expires_in: 900, external_id: 'bob' }),
    };
    const { broker } = openShop({ issuer });
    expect(await problem(broker(ask()))).toMatchObject({ status: 502, code: 'identity_mismatch' });
  });
});

describe('nothing secret gets out', () => {
  it('of what Genesys says no word is echoed, in an answer or an event', async () => {
    const hostile = JSON.stringify({
      message: 'MARK-message',
      code: 'MARK.code',
      status: 'MARK-status',
      contextId: 'MARK context!',
      details: [{ errorCode: 'MARK-detail' }],
      errors: ['MARK-error'],
      token: 'MARK-token',
    });
    for (const status of [200, 201, 301, 400, 401, 403, 404, 409, 429, 500, 503]) {
      for (const body of [hostile, `<html>MARK ${hostile}`, 'MARK']) {
        const { broker, events } = openShop(
          {},
          {},
          (sandbox) => async (input, init) =>
            String(input).endsWith('/visitors')
              ? new Response(body, { status, headers: { 'X-Powered-By': 'MARK' } })
              : sandbox.fetch(input, init),
        );
        const response = await broker(ask());
        const shown = JSON.stringify([...response.headers]);
        const refused = await problem(response);
        expect(JSON.stringify([shown, refused, events])).not.toContain('MARK');
      }
    }
  });

  it('of a good reply only what the package knows is handed on', async () => {
    const yielded: unknown = {
      ...{ id: '1', token: 't', expires_in: 900, refresh_token: 'MARK' },
      ...{ access_token: 'MARK', state: { deep: 'MARK' }, client_secret: 'MARK' },
    };
    const issuer = { issue: async () => yielded as IssuedToken };
    const answer = await reply(openShop({ issuer }).broker(ask()));
    expect(answer).toEqual({ id: '1', token: 't', expires_in: expect.any(Number) });
  });

  it('events tell visitors apart without naming them, and hold no token', async () => {
    const { broker, events } = openShop();
    const { token } = await reply(broker(ask({ user: 'ada@shop.example' })));
    await reply(broker(ask({ user: 'ada@shop.example' })));
    await reply(broker(ask({ user: 'bob@shop.example' })));
    const text = JSON.stringify(events);
    for (const secret of ['ada@', 'bob@', token, 'sandbox-secret'])
      expect(text).not.toContain(secret);
    const identities = events.map((event) => 'identity' in event && event.identity);
    expect(new Set(identities).size).toBe(2);
  });

  it('a reply of megabytes is not read to its end', async () => {
    let sent = 0;
    const { broker } = openShop({}, {}, (sandbox) => async (input, init) => {
      if (!String(input).endsWith('/visitors')) return sandbox.fetch(input, init);
      const body = new ReadableStream({
        pull(controller) {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536).fill(0x20));
        },
      });
      return new Response(body);
    });
    expect(await problem(broker(ask()))).toMatchObject({ status: 502, code: 'malformed_reply' });
    expect(sent).toBeLessThan(1_000_000);
  });
});

describe('what operators see', () => {
  it('each request counts once: as issued, pooled or failed', async () => {
    const { broker, events, count } = openShop();
    await Promise.all(Array.from({ length: 20 }, () => broker(ask())));
    await broker(ask({ user: 'bob' }));
    await broker(ask());
    await broker(ask({ user: null }));
    await broker(ask({ method: 'GET' }));
    expect([count('issued'), count('pooled'), count('failed')]).toEqual([2, 20, 2]);
    expect(events).toHaveLength(24);
  });

  it('each call to Genesys, with status and time: logins, visitor calls, and those that fail', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { broker, calls, sandbox } = openShop({}, {}, (sandbox) => (...call) => {
      vi.advanceTimersByTime(40);
      return sandbox.fetch(...call);
    });
    await reply(broker(ask()));
    sandbox.fault('visitor', 'unavailable', { times: 1 });
    await problem(broker(ask({ user: 'bob' })));
    sandbox.fault('visitor', 'cut', { times: 1 });
    await problem(broker(ask({ user: 'eve' })));
    expect(calls).toEqual([
      { type: 'upstream-call', operation: 'login', status: 200, tookMs: 40 },
      { type: 'upstream-call', operation: 'visitor', status: 200, tookMs: 40 },
      { type: 'upstream-call', operation: 'visitor', status: 503, tookMs: 40 },
      { type: 'upstream-call', operation: 'visitor', status: undefined, tookMs: 40 },
    ]);
  });

  it('how long Genesys took, how long the token lives', async () => {
    fakeClocks({ timers: false });
    const { broker, events } = openShop({}, { tokenLifeSeconds: 900 }, (sandbox) => (...call) => {
      vi.setSystemTime(Date.now() + 250);
      return sandbox.fetch(...call);
    });
    await reply(broker(ask()));
    expect(events).toEqual([
      { type: 'issued', identity: expect.any(String), lifeMs: 900_000, tookMs: 500 },
    ]);
  });
});

describe('ready()', () => {
  it('logs in once, as a call that counts against the limit and is an event', async () => {
    const { broker, sandbox, calls } = openShop({ limits: { upstream: 2, maxWaitMs: 0 } });
    await broker.ready();
    await broker.ready();
    expect(calls).toMatchObject([{ operation: 'login', status: 200 }]);
    await reply(broker(ask({ user: 'ada' })));
    expect(await problem(broker(ask({ user: 'bob' })))).toMatchObject({ status: 429 });
    expect(sandbox.count()).toBe(2);
  });

  it('takes no call where a login of before still holds, so that it works while the limit is reached', async () => {
    const { broker } = openShop({ limits: { upstream: 2, maxWaitMs: 0 } });
    await reply(broker(ask({ user: 'ada' })));
    await expect(broker.ready()).resolves.toBeUndefined();
  });

  it('throws what keeps every visitor from a token', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('login', 'unauthorized');
    await expect(broker.ready()).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('gives up on an issuer that hangs', async () => {
    fakeClocks();
    const issuer = {
      issue: () => Promise.reject(new Error('not asked')),
      ready: () => new Promise<void>(() => undefined),
    };
    const looking = expect(openShop({ issuer }).broker.ready()).rejects.toMatchObject({
      code: 'timed_out',
    });
    await vi.advanceTimersByTimeAsync(10_000);
    await looking;
  });

  it('is fine with an issuer that has no way to tell', async () => {
    const issuer = { issue: () => Promise.reject(new Error('not asked')) };
    await expect(openShop({ issuer }).broker.ready()).resolves.toBeUndefined();
  });
});

describe('over real HTTP', () => {
  it('a body without a length is cut off with an answer, not with a broken connection', async () => {
    const { broker } = openShop();
    const server = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
    try {
      const body = new ReadableStream({
        start(controller) {
          for (let part = 0; part < 8; part++) controller.enqueue(new Uint8Array(4096));
          controller.close();
        },
      });
      const headers = { 'Content-Type': 'application/json' };
      const init = { method: 'POST', body, headers, duplex: 'half' } as const;
      expect(await problem(fetch(server.url, init))).toMatchObject({ status: 413 });
    } finally {
      await server.close();
    }
  });

  it('the second page of a visitor gets the same token from the pool, a refresh gets a new one', async () => {
    const { broker } = openShop();
    const server = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
    try {
      const token = async (fresh: boolean): Promise<string> => {
        const source = endpointTokenSource(server.url, { headers: { 'X-User': 'ada' } });
        const request = { externalId: 'ada', channelId: 'webchat-default', attributes: {}, fresh };
        return (await source(request, { signal: new AbortController().signal })).token;
      };
      const first = await token(false);
      expect(await token(false)).toBe(first);
      expect(await token(true)).not.toBe(first);
    } finally {
      await server.close();
    }
  });
});
