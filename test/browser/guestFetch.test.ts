import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/bin/httpServer.ts';
import { bundle, bundlePage } from './bundle.ts';
import type { Tab } from './engines/engine.ts';
import type { Call } from './site.ts';
import { engine, startVisit, tokenOf } from './visit.ts';

const visit = startVisit();

/** Sends from a page whose token no server takes any more. */
async function sendWithRefusedToken<Result>(
  send: () => Promise<Result>,
): Promise<{ result: Result; page: Tab; refused: string | undefined }> {
  const page = await visit.open('anna');
  const refused = await tokenOf(page);
  visit.site.sandbox.revokeGuestTokens();
  return { result: await page.evaluate(send), page, refused };
}

/** The two sendings of one call: with the refused token, and with its replacement. */
async function expectResent(page: Tab, refused: string | undefined): Promise<[Call, Call]> {
  const [first, second] = visit.site.calls;
  if (!first || !second) throw new Error('The call was not sent twice.');
  expect(visit.site.calls).toHaveLength(2);
  expect(first.authorization).toBe(`Bearer ${refused}`);
  expect(second.authorization).toBe(`Bearer ${await tokenOf(page)}`);
  expect(second.authorization).not.toBe(first.authorization);
  return [first, second];
}

function form({ type, body }: Call): Promise<FormData> {
  return new Response(body, { headers: { 'Content-Type': type ?? '' } }).formData();
}

describe('a POST that meets a 401 is sent again with its body', () => {
  it.each([
    [
      'a string',
      async () =>
        (
          await window.guest.fetch('/api/echo', {
            method: 'POST',
            body: 'Hello',
            headers: { 'Content-Type': 'text/plain' },
          })
        ).status,
    ],
    [
      'a Blob',
      async () =>
        (
          await window.guest.fetch('/api/echo', {
            method: 'POST',
            body: new Blob(['Hello'], { type: 'text/plain' }),
          })
        ).status,
    ],
    [
      'bytes',
      async () =>
        (
          await window.guest.fetch('/api/echo', {
            method: 'POST',
            body: new TextEncoder().encode('Hello'),
            headers: { 'Content-Type': 'text/plain' },
          })
        ).status,
    ],
    [
      'a Request',
      async () => {
        const request = new Request('/api/echo', {
          method: 'POST',
          body: 'Hello',
          headers: { 'Content-Type': 'text/plain' },
        });
        return (await window.guest.fetch(request)).status;
      },
    ],
  ])('%s', async (_, send) => {
    const { result, page, refused } = await sendWithRefusedToken(send);
    expect(result).toBe(200);
    for (const { body, type } of await expectResent(page, refused)) {
      expect(body).toBe('Hello');
      expect(type).toMatch(/^text\/plain/);
    }
  });

  it('a form with a file', async () => {
    const { result, page, refused } = await sendWithRefusedToken(async () => {
      const body = new FormData();
      body.set('text', 'Hällo');
      body.set('file', new File(['a picture'], 'picture.png', { type: 'image/png' }));
      return (await window.guest.fetch('/api/echo', { method: 'POST', body })).status;
    });
    expect(result).toBe(200);
    for (const call of await expectResent(page, refused)) {
      const sent = await form(call);
      expect(sent.get('text')).toBe('Hällo');
      const file = sent.get('file');
      expect(file instanceof File && [file.name, file.type, await file.text()]).toEqual([
        'picture.png',
        'image/png',
        'a picture',
      ]);
    }
  });

  // WebKit has no streams as bodies, and its error for them is another one.
  it.skipIf(engine === 'webkit')(
    'a stream, or the TypeError that the browser itself has for it over HTTP/1.1',
    async () => {
      const { result } = await sendWithRefusedToken(async () => {
        async function attempt(send: typeof fetch): Promise<number | string> {
          const body = new Blob(['Hello']).stream();
          const init = { method: 'POST', body, duplex: 'half' };
          try {
            return (await send('/api/echo', init)).status;
          } catch (error) {
            return error instanceof Error ? error.name : 'no error';
          }
        }
        return { plain: await attempt(fetch), guest: await attempt(window.guest.fetch) };
      });
      if (result.plain === 401) expect(result.guest).toBe(200);
      else expect(result).toEqual({ plain: 'TypeError', guest: 'TypeError' });
    },
  );

  it('ten at once, for one new token', async () => {
    const { site } = visit;
    const { result } = await sendWithRefusedToken(() =>
      Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const body = `message ${index}`;
          const response = await window.guest.fetch('/api/echo', { method: 'POST', body });
          return (await response.json()).body;
        }),
      ),
    );
    expect(result).toEqual(Array.from({ length: 10 }, (_, index) => `message ${index}`));
    expect(site.asked).toBe(2);
    expect(site.calls).toHaveLength(20);
  });
});

describe('in a frame without a URL of its own', () => {
  it.each([
    [
      'srcdoc',
      '<iframe srcdoc="&lt;main>&lt;/main>&lt;script type=module src=/main.js>&lt;/script>"></iframe>',
    ],
    [
      'about:blank',
      `<iframe></iframe>
      <script>
        const { document: inner } = frames[0];
        inner.body.append(inner.createElement('main'));
        const script = inner.createElement('script');
        inner.body.append(Object.assign(script, { type: 'module', src: '/main.js' }));
      </script>`,
    ],
  ])(
    '(%s), relative and absolute URLs go to the origin of the page, with the token',
    async (_, html) => {
      const script = await bundlePage('main');
      const reply = { id: 'guest-1', token: 'of-the-frame', expires_in: 3_600 };
      const calls: (string | null)[][] = [];
      const server = await listen({ port: 0, hostname: '127.0.0.1' }, ({ url, headers }) => {
        const { pathname } = new URL(url);
        if (pathname === '/main.js') {
          return new Response(script, { headers: { 'Content-Type': 'text/javascript' } });
        }
        if (pathname === '/api/guest-token') return Response.json(reply);
        if (pathname.startsWith('/api/')) calls.push([pathname, headers.get('Authorization')]);
        return new Response(html, { headers: { 'Content-Type': 'text/html' } });
      });
      onTestFinished(() => server.close());
      const page = await visit.newTab();
      await page.goto(`${server.url}/shop/framed`);
      await page.evaluate(async () => {
        const frame = frames[0];
        if (!frame) throw new Error('The page has no frame.');
        while (!frame.guest) await new Promise((resolve) => setTimeout(resolve, 20));
        const { guest } = frame;
        await guest.until(({ shown }) => shown.status === 'idle');
        guest.configure({ externalId: 'anna' });
        await guest.until(({ shown }) => shown.status === 'success');
        for (const url of ['/api/a', '../api/b', `${self.origin}/api/c`]) await guest.fetch(url);
      });
      expect(calls).toEqual([
        ['/api/a', 'Bearer of-the-frame'],
        ['/api/b', 'Bearer of-the-frame'],
        ['/api/c', 'Bearer of-the-frame'],
      ]);
    },
  );
});

it('a Request of another frame goes where it says, with its body and the token', async () => {
  const { result, page, refused } = await sendWithRefusedToken(async () => {
    document.body.append(document.createElement('iframe'));
    const { Request: Theirs } = window.frames[0] as unknown as typeof globalThis;
    const body = 'Hello';
    const theirs = new Theirs(`${location.origin}/api/echo`, { method: 'POST', body });
    return [theirs instanceof Request, (await window.guest.fetch(theirs)).status];
  });
  expect(result).toEqual([false, 200]);
  for (const { path, body } of await expectResent(page, refused)) {
    expect([path, body]).toEqual(['/api/echo', 'Hello']);
  }
});

it('in a worker, a call follows redirects and keeps its referrer policy', async () => {
  const script = await bundle(new URL('./page/worker.ts', import.meta.url));
  const calls: (string | null)[][] = [];
  const server = await listen({ port: 0, hostname: '127.0.0.1' }, ({ url, headers }) => {
    const { pathname, origin } = new URL(url);
    if (pathname === '/') {
      const html = '<link rel="icon" href="data:,">';
      return new Response(html, { headers: { 'Content-Type': 'text/html' } });
    }
    if (pathname === '/worker.js') {
      return new Response(script, { headers: { 'Content-Type': 'text/javascript' } });
    }
    calls.push([pathname, headers.get('Authorization'), headers.get('Referer')]);
    if (pathname === '/api/moved') return Response.redirect(`${origin}/api/here`);
    if (pathname === '/api/away') return Response.redirect(`${visit.site.foreignUrl}/seen`);
    return new Response('landed');
  });
  onTestFinished(() => server.close());
  const page = await visit.newTab();
  await page.goto(server.url);
  const answers = await page.evaluate(async () => {
    const worker = new Worker('/worker.js', { type: 'module' });
    const ask = (path: string, init?: RequestInit): Promise<unknown> =>
      new Promise((resolve) => {
        worker.addEventListener('message', ({ data }) => resolve(data), { once: true });
        worker.postMessage([path, init]);
      });
    return [
      await ask('/api/moved'),
      await ask('/api/away'),
      await ask('/api/quiet', { referrerPolicy: 'no-referrer' }),
    ];
  });
  expect(answers).toEqual([
    [200, 'landed'],
    [200, '{"authorization":null}'],
    [200, 'landed'],
  ]);
  const referrer = new URL('/worker.js', server.url).href;
  expect(calls).toEqual([
    ['/api/moved', 'Bearer of-the-worker', referrer],
    ['/api/here', 'Bearer of-the-worker', referrer],
    ['/api/away', 'Bearer of-the-worker', referrer],
    ['/api/quiet', 'Bearer of-the-worker', null],
  ]);
});

describe('the token', () => {
  it('does not follow a redirect to another origin, listed or not', async () => {
    const { site, open } = visit;
    for (const origins of [[], [site.foreignUrl]]) {
      const page = await open('anna', { origins });
      await tokenOf(page);
      const seen = await page.evaluate(async () => (await window.guest.fetch('/api/away')).json());
      expect(seen).toEqual({ authorization: null });
      expect(site.calls.at(-1)?.authorization).toMatch(/^Bearer /);
      await page.close();
    }
  });

  it('goes to another origin only where that is listed', async () => {
    const { site, open } = visit;
    const page = await open('anna');
    const token = await tokenOf(page);
    const ask = (): Promise<unknown> =>
      page.evaluate(
        async (url) => (await window.guest.fetch(url)).json(),
        `${site.foreignUrl}/seen`,
      );
    expect(await ask()).toEqual({ authorization: null });
    await page.evaluate((url) => window.guest.configure({ origins: [url] }), site.foreignUrl);
    await expect.poll(ask).toEqual({ authorization: `Bearer ${token}` });
  });
});
