// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { createPlatformAuth, createSharedAccess } from '../../src/server/upstream/platformAuth.ts';
import { ask, gate, openShop, problem, reply, type Shop } from './shop.ts';

beforeEach(() =>
  vi.useFakeTimers({
    toFake: ['Date', 'setTimeout', 'clearTimeout'],
    now: Date.UTC(2026, 2, 1),
  }),
);
afterEach(() => vi.useRealTimers());

const crowd = (shop: Shop, size: number, name = 'u'): Promise<unknown> =>
  Promise.all(
    Array.from({ length: size }, (_, n) => reply(shop.broker(ask({ user: `${name}${n}` })))),
  );

describe('OAuth client credentials', () => {
  it("logs in as Genesys' own SDKs do", async () => {
    const shop = openShop();
    await reply(shop.broker(ask()));
    const [login] = shop.sandbox.requests;
    expect(login).toMatchObject({
      operation: 'login',
      method: 'POST',
      path: '/oauth/token',
      body: { grant_type: 'client_credentials' },
    });
    expect(login?.headers.get('Authorization')).toBe(
      `Basic ${btoa('sandbox-client:sandbox-secret')}`,
    );
    expect(login?.headers.get('Content-Type')).toMatch(/^application\/x-www-form-urlencoded/);
  });

  it('one access token serves 100 visitors who come at once', async () => {
    const shop = openShop();
    await crowd(shop, 100);
    expect(shop.sandbox.count('login')).toBe(1);
    expect(shop.sandbox.count('visitor')).toBe(100);
  });

  it('it is kept until a minute before its end, and not longer', async () => {
    const shop = openShop({}, { accessTokenLifeSeconds: 3600 });
    await crowd(shop, 1, 'a');
    vi.advanceTimersByTime(3_538_000);
    await crowd(shop, 1, 'b');
    expect(shop.sandbox.count('login')).toBe(1);
    vi.advanceTimersByTime(3_000);
    await crowd(shop, 1, 'c');
    expect(shop.sandbox.count('login')).toBe(2);
  });

  it('one of 60 s is kept for four fifths of its life', async () => {
    const shop = openShop({}, { accessTokenLifeSeconds: 60 });
    await crowd(shop, 5, 'a');
    vi.advanceTimersByTime(46_000);
    await crowd(shop, 5, 'b');
    expect(shop.sandbox.count('login')).toBe(1);
    vi.advanceTimersByTime(3_000);
    await crowd(shop, 5, 'c');
    expect(shop.sandbox.count('login')).toBe(2);
  });

  it.each(['bad.credentials', 'credentials.expired', 'authentication.required'])(
    '50 visitors who meet a 401 %s at once cost one more login',
    async (code) => {
      const refuse = { token: '' };
      const shop = openShop({}, {}, (sandbox) => async (input, init) => {
        const bearer = new Headers(init?.headers).get('Authorization') ?? '';
        if (refuse.token !== '' && bearer.endsWith(refuse.token)) {
          return Response.json({ code, status: 401 }, { status: 401 });
        }
        if (String(input).endsWith('/visitors')) seen.push(bearer);
        return sandbox.fetch(input, init);
      });
      const seen: string[] = [];
      await crowd(shop, 1, 'first');
      refuse.token = seen[0] ?? '';
      await crowd(shop, 50);
      expect(shop.sandbox.count('login')).toBe(2);
      expect(new Set(seen.slice(1)).size).toBe(1);
    },
  );

  it('a 401 that comes late, for the token before, costs no login', async () => {
    const late = gate();
    const shop = openShop({}, {}, (sandbox) => async (input, init) => {
      const response = await sandbox.fetch(input, init);
      if (String(init?.body).includes('"late"')) await late.opened;
      return response;
    });
    await crowd(shop, 1, 'first');
    shop.sandbox.revokeAccessTokens();
    const slow = reply(shop.broker(ask({ user: 'late' })));
    await crowd(shop, 1, 'quick');
    late.open();
    await slow;
    expect(shop.sandbox.count('login')).toBe(2);
  });

  it('a 401 that a new token can not help costs no login', async () => {
    const shop = openShop();
    shop.sandbox.fault('visitor', { kind: 'unauthorized', code: 'ip.not.authorized' });
    expect(await problem(shop.broker(ask()))).toMatchObject({ status: 401, code: 'unauthorized' });
    expect([shop.sandbox.count('login'), shop.sandbox.count('visitor')]).toEqual([1, 1]);
  });

  it('a new token that is refused too is not replaced again', async () => {
    const shop = openShop();
    shop.sandbox.fault('visitor', 'unauthorized');
    expect(await problem(shop.broker(ask()))).toMatchObject({ status: 401, code: 'unauthorized' });
    expect([shop.sandbox.count('login'), shop.sandbox.count('visitor')]).toEqual([2, 2]);
  });

  it('a login that fails is one failure for all who wait, and the next request logs in again', async () => {
    const { fetch, loginUrl, clientId, clientSecret, fault, count } = createSandboxCloud();
    fault('login', 'unavailable', { times: 1 });
    const auth = createPlatformAuth({ clientId, clientSecret, loginUrl, fetch });
    const { signal } = new AbortController();
    const waiting = Array.from({ length: 4 }, () => auth.accessToken({ signal }));
    for (const token of waiting) await expect(token).rejects.toMatchObject({ code: 'unavailable' });
    expect(count('login')).toBe(1);
    await expect(auth.accessToken({ signal })).resolves.toMatch(/./);
  });

  it('one who gives up waiting for a login leaves it to the others', async () => {
    const { fetch, loginUrl, clientId, clientSecret, count } = createSandboxCloud();
    const auth = createPlatformAuth({ clientId, clientSecret, loginUrl, fetch });
    const impatient = new AbortController();
    const gone = auth.accessToken(impatient);
    const staying = auth.accessToken(new AbortController());
    impatient.abort(new Error('The time is over.'));
    await expect(gone).rejects.toThrow('The time is over.');
    await expect(staying).resolves.toMatch(/./);
    expect(count('login')).toBe(1);
  });

  it('one whose time is over before asks for nothing, and a login that would fail harms nobody', async () => {
    const { fetch, loginUrl, clientId, count } = createSandboxCloud();
    const auth = createPlatformAuth({ clientId, clientSecret: 'wrong', loginUrl, fetch });
    const over = AbortSignal.abort(new Error('The time is over.'));
    await expect(auth.accessToken({ signal: over })).rejects.toThrow('The time is over.');
    // an unhandled rejection of the login would come now, and fail this run
    await new Promise((resolve) => setImmediate(resolve));
    expect(count('login')).toBe(0);
  });

  it('a login that hangs is given up, also where fetch does not heed its signal', async () => {
    let deaf = true;
    const shop = openShop(
      {},
      {},
      (sandbox) => (input, init) =>
        deaf && String(input).includes('login')
          ? new Promise(() => undefined)
          : sandbox.fetch(input, init),
    );
    const answer = shop.broker(ask());
    const told = expect(problem(answer)).resolves.toMatchObject({ status: 504, code: 'timed_out' });
    await afterAsking();
    await vi.advanceTimersByTimeAsync(9_000);
    await told;
    deaf = false;
    await crowd(shop, 1);
  });
});

describe('a login that is refused says what to fix', () => {
  const withSecret = (invalidClientStatus: 400 | 401): Shop => {
    const sandbox = createSandboxCloud({ invalidClientStatus });
    const shop = openShop({
      issuer: webchatVisitors({
        clientId: sandbox.clientId,
        clientSecret: 'wrong-hunter2',
        fetch: sandbox.fetch,
      }),
    });
    return { ...shop, sandbox };
  };

  it.each([400, 401] as const)('a wrong secret, answered by %i', async (status) => {
    const refused = await problem(withSecret(status).broker(ask()));
    expect(refused).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(refused.hint).toMatch(
      /GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET|GENESYS_CLIENT_SECRET/,
    );
    expect(JSON.stringify(refused)).not.toContain('hunter2');
  });

  it('100 requests in 100 s cost at most five logins, and one is enough when they come at once', async () => {
    const shop = withSecret(401);
    const { sandbox, broker } = shop;
    for (let second = 0; second < 100; second++) {
      expect((await problem(broker(ask({ user: `u${second}` })))).code).toBe('unauthorized');
      vi.advanceTimersByTime(1_000);
    }
    expect(sandbox.count('login')).toBeLessThanOrEqual(5);
    const before = sandbox.count('login');
    vi.advanceTimersByTime(300_000);
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => problem(broker(ask({ user: `v${n}` })))),
    );
    expect(sandbox.count('login')).toBe(before + 1);
  });

  it('a secret that works again is used at the latest after five minutes', async () => {
    const shop = openShop();
    shop.sandbox.fault('login', 'unauthorized');
    for (let minute = 0; minute < 60; minute++) {
      await problem(shop.broker(ask()));
      vi.advanceTimersByTime(60_000);
    }
    await problem(shop.broker(ask()));
    shop.sandbox.clear();
    vi.advanceTimersByTime(300_000);
    await crowd(shop, 1);
  });

  it.each([
    ['html', 502, 'malformed_reply'],
    ['cut', 502, 'unreachable'],
    ['forbidden', 401, 'unauthorized'],
    [{ kind: 'unavailable', status: 500 }, 503, 'unavailable'],
    [{ kind: 'unavailable', status: 404 }, 502, 'malformed_reply'],
  ] as const)('%j becomes %i %s', async (fault, status, code) => {
    const { broker, sandbox } = openShop();
    sandbox.fault('login', fault);
    expect(await problem(broker(ask()))).toMatchObject({ status, code });
  });

  it.each([
    { access_token: '', token_type: 'bearer' },
    { access_token: 'a\nb', token_type: 'bearer', expires_in: 60 },
    { access_token: 'a', token_type: 'mac' },
    { access_token: 7, token_type: 'bearer' },
    { token_type: 'bearer' },
    [],
    null,
  ])('%j is no access token', async (body) => {
    const { broker } = openShop({}, {}, () => async () => Response.json(body));
    expect(await problem(broker(ask()))).toMatchObject({ status: 502, code: 'malformed_reply' });
  });

  it('a reply without expires_in is kept for the day that Genesys grants', async () => {
    let logins = 0;
    const shop = openShop({}, {}, (sandbox) => async (input, init) => {
      const response = await sandbox.fetch(input, init);
      if (!String(input).includes('login')) return response;
      logins++;
      const { expires_in: _, ...rest } = await response.json();
      return Response.json(rest);
    });
    await crowd(shop, 1, 'a');
    vi.advanceTimersByTime(86_000_000);
    await crowd(shop, 1, 'b');
    expect(logins).toBe(1);
  });
});

describe('a function in the place of the OAuth client', () => {
  /** As Genesys' SDK: holds one token, and logs in when told to. */
  function sdk() {
    const sandbox = createSandboxCloud();
    let logins = 0;
    let token: string | undefined;
    const issuer = webchatVisitors({
      fetch: sandbox.fetch,
      async accessToken({ refused }) {
        if (token !== undefined && !refused) return token;
        logins++;
        const reply = await sandbox.fetch(`${sandbox.loginUrl}/oauth/token`, {
          method: 'POST',
          headers: { Authorization: `Basic ${btoa('sandbox-client:sandbox-secret')}` },
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
        });
        ({ access_token: token } = await reply.json());
        return token ?? '';
      },
    });
    return { shop: openShop({ issuer }), sandbox, logins: () => logins };
  }

  it('its token is used', async () => {
    const { shop, logins } = sdk();
    await crowd(shop, 1);
    expect(logins()).toBe(1);
  });

  it('is told once that its token was refused, however many visitors meet the 401', async () => {
    const { shop, sandbox, logins } = sdk();
    await crowd(shop, 1, 'first');
    sandbox.revokeAccessTokens();
    await crowd(shop, 50);
    expect(logins()).toBe(2);
  });

  it('while it gets another one, all who were refused wait for the same', async () => {
    const renewed = gate();
    let renewals = 0;
    let token = 'old';
    const auth = createSharedAccess(async ({ refused }) => {
      if (!refused) return token;
      renewals++;
      await renewed.opened;
      token = 'new';
      return token;
    });
    const { signal } = new AbortController();
    const waiting = Array.from({ length: 50 }, () => auth.accessToken({ signal }, 'old'));
    renewed.open();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['new']));
    expect(await auth.accessToken({ signal }, 'old')).toBe('new');
    expect(renewals).toBe(1);
  });

  it.each([
    ['', 401],
    ['line\nbreak', 401],
    [undefined, 401],
  ])('%j is no token', async (token, status) => {
    const issuer = webchatVisitors({ accessToken: () => token as string });
    const { broker } = openShop({ issuer });
    expect(await problem(broker(ask()))).toMatchObject({ status, code: 'unauthorized' });
  });

  it('what it throws is told nobody', async () => {
    const issuer = webchatVisitors({
      accessToken() {
        throw new Error('hunter2');
      },
    });
    const { broker, events } = openShop({ issuer });
    expect(JSON.stringify([await problem(broker(ask())), events])).not.toContain('hunter2');
  });
});

/** Lets what a request does before its first timer happen. */
async function afterAsking(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
