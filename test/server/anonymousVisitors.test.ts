// @vitest-environment node
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type AnonymousVisitorsOptions,
  anonymousVisitors,
} from '../../src/server/anonymousVisitors.ts';
import { type Ask, ask, openShop, problem, reply, type Shop } from './shop.ts';

/** The default name on https. */
const NAME = '__Host-guest_visitor';
const SECRET = 'a secret of thirty-two characters';
const OTHER_SECRET = 'another secret, just as long as it';
const DAY_MS = 86_400_000;

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 2, 1) }));
afterEach(() => vi.useRealTimers());

const openAnonymously = (options: Partial<AnonymousVisitorsOptions> = {}): Shop =>
  openShop({ authorize: anonymousVisitors({ cookieSecret: SECRET, ...options }) });

const askWith = (cookie: string | undefined, rest: Ask = {}): Request =>
  ask({ ...rest, user: null, headers: { ...(cookie && { Cookie: cookie }), ...rest.headers } });

const setCookie = (response: Response): string => response.headers.get('Set-Cookie') ?? '';

/** A browser that has been here once: its cookie, and who it is. */
async function visit(shop: Shop, cookie?: string): Promise<{ cookie: string; id: string }> {
  const response = await shop.broker(askWith(cookie));
  const { external_id: id = '' } = await reply(response);
  return { cookie: setCookie(response).split(';')[0] ?? '', id };
}

describe('a visitor without an account', () => {
  it('gets a random id, in a cookie that no script and no other site can use', async () => {
    const response = await openAnonymously().broker(askWith(undefined));
    expect((await reply(response)).external_id).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    expect(setCookie(response)).toMatch(
      /^__Host-guest_visitor=[\w-]+\.[\w-]+\.[\w-]+; Path=\/; Max-Age=15552000; HttpOnly; SameSite=Lax; Secure$/,
    );
  });

  it('is the same one with that cookie, which is not sent again', async () => {
    const shop = openAnonymously();
    const first = await visit(shop);
    const again = await visit(shop, `theme=dark; ${first.cookie}; ${NAME}_2=x`);
    expect(again).toEqual({ id: first.id, cookie: '' });
    expect(shop.sandbox.count('visitor')).toBe(1);
  });

  it('is found among other cookies of the same name, wherever it stands', async () => {
    const shop = openAnonymously();
    const { id, cookie } = await visit(shop);
    const planted = `${NAME}=planted`;
    const stranger = `${NAME}=${await sign({ secret: OTHER_SECRET })}`;
    for (const cookies of [
      [planted, cookie],
      [cookie, planted],
      [stranger, planted, cookie],
    ]) {
      expect(await visit(shop, cookies.join('; '))).toEqual({ id, cookie: '' });
    }
  });

  it('whose cookie is over is a new one, also where the broker has seen it while it was good', async () => {
    const shop = openAnonymously({ maxAgeSeconds: 60 });
    const { id, cookie } = await visit(shop);
    expect((await visit(shop, cookie)).id).toBe(id);
    vi.setSystemTime(Date.now() + 59_000);
    expect((await visit(shop, cookie)).id).toBe(id);
    vi.setSystemTime(Date.now() + 1_000);
    expect((await visit(shop, cookie)).id).not.toBe(id);
  });

  it('who comes back 200 times has the signature verified once', async () => {
    const shop = openAnonymously();
    const { cookie } = await visit(shop);
    const verify = vi.spyOn(crypto.subtle, 'verify');
    for (let time = 0; time < 200; time++) await visit(shop, cookie);
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
  });

  it('two browsers are two visitors', async () => {
    const shop = openAnonymously();
    expect((await visit(shop)).id).not.toBe((await visit(shop)).id);
  });

  it('can name no other visitor in the body', async () => {
    const shop = openAnonymously();
    const victim = await visit(shop);
    const body = { externalId: victim.id };
    const { external_id } = await reply(shop.broker(askWith(undefined, { body })));
    expect(external_id).not.toBe(victim.id);
  });

  it('gets the cookie though Genesys has no token to give, so as to come back as the same one', async () => {
    const shop = openAnonymously();
    shop.sandbox.fault('visitor', 'unavailable', { times: 1 });
    const response = await shop.broker(askWith(undefined));
    const cookie = setCookie(response).split(';')[0];
    await problem(response);
    const again = await visit(shop, cookie);
    expect(again.cookie).toBe('');
    expect(shop.sandbox.requests.map(({ body }) => body)).toContainEqual(
      expect.objectContaining({ externalId: again.id }),
    );
  });

  it('a page of a foreign site can do nothing with the cookie', async () => {
    const shop = openAnonymously();
    const { cookie } = await visit(shop);
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' };
    const response = await shop.broker(askWith(cookie, { headers }));
    expect(setCookie(response)).toBe('');
    expect(await problem(response)).toMatchObject({ status: 403 });
    expect(shop.sandbox.count('visitor')).toBe(1);
  });
});

describe('a cookie that was tampered with', () => {
  const forged = {
    'of another secret': () => sign({ secret: OTHER_SECRET }),
    'of another cookie of the same secret': () => sign({ audience: 'other_visitor' }),
    'that is over': () => sign({ expires: Date.now() / 1000 - 1 }),
    'without an end': () => sign({ expires: undefined }),
    'without an id': () => sign({ subject: undefined }),
    'without a signature': async () =>
      new UnsecuredJWT({ sub: 'victim', aud: NAME }).setExpirationTime('1d').encode(),
    'that is junk': async () => 'x'.repeat(9_000),
    'that is empty': async () => '',
    'of the wrong bytes': async () => '%00%ff.;=,',
  };

  it.each(Object.entries(forged))('one %s makes a new visitor', async (_name, forge) => {
    const shop = openAnonymously();
    const { id, cookie } = await visit(shop, `${NAME}=${await forge()}`);
    expect(id).not.toBe('victim');
    expect(cookie).toMatch(/^__Host-guest_visitor=/);
  });

  it('one that is changed in any of its parts makes a new visitor', async () => {
    const shop = openAnonymously();
    const { id, cookie } = await visit(shop);
    for (const [index, part] of cookie.slice(`${NAME}=`.length).split('.').entries()) {
      for (const at of [0, Math.floor(part.length / 2)]) {
        const changed = part.slice(0, at) + (part[at] === 'A' ? 'B' : 'A') + part.slice(at + 1);
        const parts = cookie.slice(`${NAME}=`.length).split('.');
        parts[index] = changed;
        expect((await visit(shop, `${NAME}=${parts.join('.')}`)).id).not.toBe(id);
      }
    }
  });

  it('the helper of these tests can make a good one', async () => {
    const shop = openAnonymously();
    expect(await visit(shop, `${NAME}=${await sign({})}`)).toEqual({
      id: 'victim',
      cookie: '',
    });
  });
});

describe('keys', () => {
  it('rotate: a cookie of the old key is accepted and signed anew, until the old key goes', async () => {
    const before = openAnonymously();
    const { id, cookie } = await visit(before);
    const during = openAnonymously({ cookieSecret: [OTHER_SECRET, SECRET] });
    const renewed = await visit(during, cookie);
    expect(renewed.id).toBe(id);
    expect(renewed.cookie).toMatch(/^__Host-guest_visitor=/);
    const after = openAnonymously({ cookieSecret: OTHER_SECRET });
    expect(await visit(after, renewed.cookie)).toEqual({ id, cookie: '' });
    expect((await visit(after, cookie)).id).not.toBe(id);
  });

  it('a visitor who keeps coming is never forgotten: past half of its life a cookie is signed anew', async () => {
    const shop = openAnonymously();
    const { id, cookie } = await visit(shop);
    vi.setSystemTime(Date.now() + 89 * DAY_MS);
    expect(await visit(shop, cookie)).toEqual({ id, cookie: '' });
    vi.setSystemTime(Date.now() + 2 * DAY_MS);
    const renewed = await visit(shop, cookie);
    expect(renewed.id).toBe(id);
    vi.setSystemTime(Date.now() + 100 * DAY_MS);
    expect((await visit(shop, renewed.cookie)).id).toBe(id);
    expect((await visit(shop, cookie)).id).not.toBe(id);
  });
});

describe("a cookie's attributes", () => {
  const cookieOf = async (url: string, options = {}, headers = {}): Promise<string> =>
    setCookie(await openAnonymously(options).broker(askWith(undefined, { url, headers })));

  it('Secure on https, also behind a TLS proxy that says so; not on http', async () => {
    expect(await cookieOf('https://shop.example/')).toContain('; Secure');
    const proxied = { 'X-Forwarded-Proto': 'https, http' };
    expect(await cookieOf('http://10.0.0.7/', {}, proxied)).toContain('; Secure');
    expect(await cookieOf('http://localhost/')).not.toContain('Secure');
  });

  it('Secure wherever SameSite=None asks for it', async () => {
    expect(await cookieOf('http://10.0.0.7/', { sameSite: 'None' })).toContain(
      '; SameSite=None; Secure',
    );
  });

  it('by default a name that no sub-domain can set, wherever the browser speaks https', async () => {
    const isHost = /^__Host-guest_visitor=.*; Path=\/; .*; Secure$/;
    expect(await cookieOf('https://shop.example/')).toMatch(isHost);
    const proxied = { 'X-Forwarded-Proto': 'https' };
    expect(await cookieOf('http://10.0.0.7/', {}, proxied)).toMatch(isHost);
    // a TLS proxy that does not say so; the page does
    const page = { Origin: 'https://shop.example' };
    expect(await cookieOf('http://10.0.0.7/', {}, page)).toMatch(isHost);
    expect(await cookieOf('http://localhost/')).toMatch(/^guest_visitor=/);
  });

  it.each(['__Host-guest', '__Secure-guest'])(
    'named %s is refused by plain http, where browsers would lose it in silence',
    async (cookieName) => {
      const shop = openAnonymously({ cookieName });
      const request = askWith(undefined, { url: 'http://10.0.0.7/' });
      const refused = await problem(shop.broker(request));
      expect(refused).toMatchObject({ status: 500, code: 'misconfigured' });
      expect(refused.detail).toContain('"cookieName"');
      expect(refused.detail).toContain('X-Forwarded-Proto');
      expect(await cookieOf('https://shop.example/', { cookieName })).toContain(`${cookieName}=`);
    },
  );

  it('life and SameSite as given', async () => {
    const cookie = await cookieOf('https://shop.example/', {
      maxAgeSeconds: 60,
      sameSite: 'Strict',
    });
    expect(cookie).toContain('; Max-Age=60; HttpOnly; SameSite=Strict');
  });

  it.each([
    [{ cookieSecret: 'short' }, 'cookieSecret'],
    [{ cookieSecret: [] }, 'cookieSecret'],
    [{ cookieSecret: [SECRET, ''] }, 'cookieSecret'],
    [{ cookieName: 'a;b' }, 'cookieName'],
    [{ cookieName: '' }, 'cookieName'],
    [{ maxAgeSeconds: 0 }, 'maxAgeSeconds'],
    [{ maxAgeSeconds: Number.NaN }, 'maxAgeSeconds'],
    [{ sameSite: 'lax; Domain=x' as 'Lax' }, 'sameSite'],
  ])('%j is refused at construction', (options, named) => {
    expect(() => openAnonymously(options)).toThrow(`Option "${named}"`);
  });
});

interface Forgery {
  secret?: string;
  audience?: string;
  subject?: string | undefined;
  expires?: number | undefined;
}

function sign(forgery: Forgery): Promise<string> {
  const { secret, audience, subject, expires } = {
    secret: SECRET,
    audience: NAME,
    subject: 'victim',
    expires: Date.now() / 1000 + 180 * 86_400,
    ...forgery,
  };
  return new SignJWT({
    aud: audience,
    ...(subject !== undefined && { sub: subject }),
    ...(expires !== undefined && { exp: Math.floor(expires) }),
  })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}
