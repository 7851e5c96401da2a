// Whom the guest fetch shows the token to: the page's own origin and those that are listed.
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createGuestFetch, type GuestFetchOptions } from '../../src/core/index.ts';
import { fakeSession } from './fakeSession.ts';

afterEach(() => vi.unstubAllGlobals());

const PAGE = 'https://shop.example';
const API = 'https://api.mypurecloud.ie';

/** A guest fetch on a page, and what it has sent. */
function onPage({
  origins = [API],
  at = `${PAGE}/basket/`,
  baseURI = at,
  origin = new URL(at).origin,
}: Partial<GuestFetchOptions> & { at?: string; baseURI?: string; origin?: string } = {}) {
  const sent: Request[] = [];
  vi.stubGlobal('location', new URL(at));
  vi.stubGlobal('document', { baseURI });
  vi.stubGlobal('origin', origin);
  const session = fakeSession();
  const guestFetch = createGuestFetch({
    session: () => session,
    origins,
    fetch: async (input, init) => {
      sent.push(new Request(input, init));
      return new Response('ok');
    },
  });
  return { sent, session, guestFetch };
}

/** What the server at a URL got to see as Authorization. */
async function shownTo(url: string, options?: Parameters<typeof onPage>[0], init?: RequestInit) {
  const { sent, guestFetch } = onPage(options);
  await guestFetch(url, init);
  expect(sent).toHaveLength(1);
  return sent[0]?.headers.get('Authorization');
}

describe('the token goes to', () => {
  test.each([
    ['the page’s own origin', `${PAGE}/api`],
    ['the page’s own origin by a path', '/api'],
    ['the page’s own origin by a relative URL', 'items?n=1'],
    ['the page’s own origin by nothing but a query', '?n=1'],
    ['the page’s own origin by a protocol-relative URL', '//shop.example/api'],
    ['the page’s own origin with its default port', 'https://shop.example:443/api'],
    ['the page’s own origin in capitals', 'HTTPS://SHOP.EXAMPLE/api'],
    ['a listed origin', `${API}/api/v2/conversations`],
    ['a listed origin with its default port', 'https://api.mypurecloud.ie:443/'],
    ['a listed origin in capitals', 'https://API.MyPureCloud.ie/'],
  ])('%s', async (_what, url) => {
    expect(await shownTo(url)).toBe('Bearer token-1');
  });

  test('a listed origin that was written with a slash, capitals or its default port', async () => {
    for (const origin of [`${API}/`, 'https://API.mypurecloud.ie', `${API}:443`]) {
      expect(await shownTo(`${API}/`, { origins: [origin] }), origin).toBe('Bearer token-1');
    }
  });

  test('what is listed at the time of the call', async () => {
    const origins: string[] = [];
    const { sent, guestFetch } = onPage({ origins });
    await guestFetch(`${API}/1`);
    origins.push(API);
    await guestFetch(`${API}/2`);
    expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual([
      null,
      'Bearer token-1',
    ]);
  });

  test.each(['about:srcdoc', 'about:blank'])(
    'the origin of the page around an %s frame, by a relative and by an absolute URL',
    async (at) => {
      const { sent, guestFetch } = onPage({ at, baseURI: `${PAGE}/basket/`, origin: PAGE });
      for (const url of ['/api', 'items', `${PAGE}/api`]) await guestFetch(url);
      expect(sent.map(({ url, headers }) => [url, headers.get('Authorization')])).toEqual([
        [`${PAGE}/api`, 'Bearer token-1'],
        [`${PAGE}/basket/items`, 'Bearer token-1'],
        [`${PAGE}/api`, 'Bearer token-1'],
      ]);
    },
  );

  test('the page’s own origin by a URL that is relative to its <base> element', async () => {
    const { sent, guestFetch } = onPage({ baseURI: `${PAGE}/shop/v2/` });
    await guestFetch('api/items');
    expect(sent[0]?.url).toBe(`${PAGE}/shop/v2/api/items`);
    expect(sent[0]?.headers.get('Authorization')).toBe('Bearer token-1');
  });

  test('a URL object and a Request alike', async () => {
    const { sent, guestFetch } = onPage();
    await guestFetch(new URL(`${API}/1`));
    await guestFetch(new Request(`${API}/2`));
    await guestFetch(new Request('https://evil.example/3'));
    expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      null,
    ]);
  });
});

describe('the token does not go to', () => {
  test.each([
    ['another origin', 'https://evil.example/'],
    ['a subdomain of the page', 'https://api.shop.example/'],
    ['a subdomain of a listed origin', 'https://evil.api.mypurecloud.ie/'],
    ['the parent of a listed origin', 'https://mypurecloud.ie/'],
    ['a host that begins like a listed one', 'https://api.mypurecloud.ie.evil.example/'],
    ['a host that ends like a listed one', 'https://evilapi.mypurecloud.ie/'],
    ['a host with a letter that looks alike', 'https://api.mypureclоud.ie/'],
    ['a listed host with a final dot', 'https://api.mypurecloud.ie./'],
    ['a listed host on another port', 'https://api.mypurecloud.ie:8443/'],
    ['a listed host without encryption', 'http://api.mypurecloud.ie/'],
    ['the page’s host without encryption', 'http://shop.example/'],
    ['the page’s host on another port', 'https://shop.example:444/'],
    ['another origin by a protocol-relative URL', '//evil.example/api'],
    ['another origin by backslashes', '\\\\evil.example/api'],
    ['another origin with a slash and a backslash', '/\\evil.example/api'],
    ['another origin with the listed one in its path', `https://evil.example/${API}`],
    ['another origin with the listed one in its query', `https://evil.example/?${API}/`],
    ['another origin with the listed one in its fragment', `https://evil.example/#${API}/`],
    ['another origin behind a backslash and an @', 'https://evil.example\\@api.mypurecloud.ie/'],
    ['another origin after spaces and control characters', ' \t\nhttps://evil.example/'],
    ['another origin with a tab in its scheme', 'ht\ttps://evil.example/'],
    ['a data: URL', 'data:text/plain,x'],
  ])('%s', async (_what, url) => {
    expect(await shownTo(url)).toBeNull();
  });

  test('a URL that hides another host behind user and password', async () => {
    const { sent, guestFetch } = onPage();
    for (const url of [
      'https://api.mypurecloud.ie@evil.example/',
      `https://x:${API}@evil.example/`,
    ]) {
      await guestFetch(url).catch(() => undefined); // fetch refuses such URLs
    }
    expect(sent.map(({ headers }) => headers.get('Authorization'))).not.toContain('Bearer token-1');
  });

  test('another origin by a URL that is relative to a <base> element', async () => {
    expect(await shownTo('api', { baseURI: 'https://cdn.example/' })).toBeNull();
  });

  test('anybody, where a page has no origin and none is listed', async () => {
    const page = { at: 'about:srcdoc', baseURI: PAGE, origin: 'null', origins: [] };
    for (const url of ['data:text/plain,x', 'custom://evil.example/', `${API}/`, `${PAGE}/`]) {
      expect(await shownTo(url, page), url).toBeNull();
    }
  });

  test('anybody but those listed, where there is no page', async () => {
    const { sent, guestFetch } = onPage();
    for (const name of ['location', 'document', 'origin']) vi.stubGlobal(name, undefined);
    await guestFetch(`${API}/1`);
    await guestFetch(`${PAGE}/2`);
    await expect(guestFetch('/3')).rejects.toThrow(TypeError);
    expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual([
      'Bearer token-1',
      null,
    ]);
  });

  test('any URL at all whose origin is not one of the two', async () => {
    const part = fc.oneof(
      fc.constantFrom(
        'https:',
        'http:',
        '//',
        '/',
        '\\',
        '@',
        ':',
        '.',
        '#',
        '?',
        ' ',
        '%2f',
        '\t',
      ),
      fc.constantFrom('shop.example', 'api.mypurecloud.ie', 'evil.example', '443', 'x'),
      fc.string({ maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        const url = parts.join('');
        const { sent, guestFetch } = onPage();
        await guestFetch(url).catch(() => undefined);
        for (const { headers, url: sentTo } of sent) {
          const trusted = [PAGE, API].includes(new URL(sentTo).origin);
          expect(headers.get('Authorization')).toBe(trusted ? 'Bearer token-1' : null);
        }
      }),
      { seed: 20261123, numRuns: 1_000 },
    );
  });
});

describe('a call with an Authorization of its own', () => {
  test('goes out with that, to whomever it is, and is never resent', async () => {
    const { sent, session, guestFetch } = onPage();
    const init = { headers: { authorization: 'Basic abc' } };
    for (const url of ['/api', `${API}/`, 'https://evil.example/']) await guestFetch(url, init);
    await guestFetch(new Request(`${API}/`, init));
    expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual(
      Array(4).fill('Basic abc'),
    );
    expect(session.rejected).toEqual([]);
  });
});

test('a no-cors call can’t carry a token: it is sent as it is, and its 401 rejects none', async () => {
  vi.stubGlobal('document', { baseURI: `${PAGE}/` });
  vi.stubGlobal('origin', PAGE);
  const session = fakeSession();
  const sent: Request[] = [];
  const guestFetch = createGuestFetch({
    session: () => session,
    fetch: async (input, init) => {
      sent.push(new Request(input, init));
      return new Response('refused', { status: 401 });
    },
  });
  for (const call of [
    guestFetch('/pixel', { mode: 'no-cors' }),
    guestFetch(new Request(`${PAGE}/pixel`, { mode: 'no-cors' })),
  ]) {
    const response = await call;
    expect([response.status, await response.text()]).toEqual([401, 'refused']);
  }
  expect(sent.map(({ mode, headers }) => [mode, headers.get('Authorization')])).toEqual([
    ['no-cors', null],
    ['no-cors', null],
  ]);
  expect(session.rejected).toEqual([]);
});

test('listed origins are parsed when the list changes, not at each call', async () => {
  const many = Array.from({ length: 20 }, (_, n) => `https://api${n}.mypurecloud.ie`);
  const parsedFor = async (origins: readonly string[]): Promise<number> => {
    const { guestFetch } = onPage({ origins });
    let parsed = 0;
    class CountedURL extends URL {
      constructor(url: string | URL, base?: string | URL) {
        super(url, base);
        parsed++;
      }
    }
    vi.stubGlobal('URL', CountedURL);
    for (let n = 0; n < 10; n++) await guestFetch('https://api19.mypurecloud.ie/x');
    vi.unstubAllGlobals();
    return parsed;
  };
  expect(await parsedFor(many)).toBe(await parsedFor([]));
});

test('a call to a stranger is sent as it is, without waiting for a token', async () => {
  const { sent, guestFetch } = onPage();
  const response = await guestFetch('https://evil.example/', {
    method: 'POST',
    body: 'hello',
    headers: { 'X-Mine': '1' },
  });
  expect(await response.text()).toBe('ok');
  expect(sent[0]).toMatchObject({ method: 'POST', url: 'https://evil.example/' });
  expect(sent[0]?.headers.get('X-Mine')).toBe('1');
  expect(await sent[0]?.text()).toBe('hello');
});

describe('an invalid origin throws at construction, and the error names the option', () => {
  test.each([
    '',
    '*',
    'api.mypurecloud.ie',
    '//api.mypurecloud.ie',
    '/api',
    `${API}/api/v2`,
    `${API}/?x`,
    `${API}/#x`,
    'https://user@api.mypurecloud.ie',
    'https://*.mypurecloud.ie',
    'data:text/plain,x',
    'file:///tmp',
    'null',
    undefined as never,
    7 as never,
  ])('%j', (origin) => {
    expect(() => onPage({ origins: [API, origin] })).toThrow(
      expect.objectContaining({
        code: 'misconfigured',
        message: expect.stringMatching(/"origins".* must be like https:\/\/host/),
      }),
    );
  });
});
