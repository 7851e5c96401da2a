// @vitest-environment node
// The guest fetch over real HTTP, without a browser.
import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createGuestFetch } from '../../src/core/index.ts';
import { fakeSession } from './fakeSession.ts';
import { serve } from './httpServer.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** An API that takes one token, writes down what comes, and sends it back. */
async function api(good: string, { delayMs = 0 } = {}) {
  const seen: Seen[] = [];
  const origin = await serve((request, response, body) => {
    const entry = entryOf(request, body);
    seen.push(entry);
    setTimeout(() => {
      response.statusCode = entry.authorization === `Bearer ${good}` ? 200 : 401;
      response.end(JSON.stringify(entry));
    }, delayMs);
  });
  const session = fakeSession({ delayMs: 20 });
  const guestFetch = createGuestFetch({ session: () => session, origins: [origin] });
  return { seen, origin, session, guestFetch };
}

function entryOf({ method = '', url = '', headers }: IncomingMessage, body: string): Seen {
  return { method, url, authorization: headers.authorization, body };
}

test.each([10, 1_000])(
  '%d calls that are refused together cost one acquisition, and each is sent once more',
  { timeout: 60_000 },
  async (count) => {
    const { seen, origin, session, guestFetch } = await api('token-2');
    const responses = await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const response = await guestFetch(`${origin}/${n}`, { method: 'POST', body: `body ${n}` });
        return [response.status, await response.json()];
      }),
    );
    expect(responses).toEqual(
      Array.from({ length: count }, (_, n) => [
        200,
        { method: 'POST', url: `/${n}`, authorization: 'Bearer token-2', body: `body ${n}` },
      ]),
    );
    expect(session.acquisitions).toBe(2);
    const sendings = new Map<string, number>();
    for (const { url } of seen) sendings.set(url, (sendings.get(url) ?? 0) + 1);
    expect(Math.max(...sendings.values())).toBe(2);
    // whoever came after the replacement was sent once only
    expect(seen.filter(({ authorization }) => authorization === 'Bearer token-2')).toHaveLength(
      count,
    );
  },
);

test('a large streamed body arrives whole in both sendings', async () => {
  const { seen, origin, guestFetch } = await api('token-2');
  const part = 'x'.repeat(65_536);
  let left = 32;
  const body = new ReadableStream<Uint8Array>({
    pull(stream) {
      if (left-- > 0) stream.enqueue(new TextEncoder().encode(part));
      else stream.close();
    },
  });
  const init = { method: 'PUT', body, duplex: 'half' };
  const response = await guestFetch(`${origin}/upload`, init);
  expect(response.status).toBe(200);
  expect(seen.map((entry) => entry.body.length)).toEqual([32 * 65_536, 32 * 65_536]);
});

test('a form arrives readable in both sendings', async () => {
  const { seen, origin, guestFetch } = await api('token-2');
  const form = new FormData();
  form.set('note', 'hello');
  form.set('file', new Blob(['contents']), 'a.txt');
  await guestFetch(`${origin}/form`, { method: 'POST', body: form });
  expect(seen).toHaveLength(2);
  for (const { body } of seen) {
    expect(body).toMatch(/name="note"\r\n\r\nhello\r\n/);
    expect(body).toMatch(/filename="a.txt"[\s\S]*contents/);
  }
});

/** Two servers: the first sends everybody on to where `to` says. */
async function redirecting(to: (own: string, other: string) => string, status = 302) {
  const seenByOther: Seen[] = [];
  const other = await serve((request, response, body) => {
    seenByOther.push(entryOf(request, body));
    response.end('other');
  });
  const seen: Seen[] = [];
  const origin: string = await serve((request, response, body) => {
    seen.push(entryOf(request, body));
    if (request.url !== '/go') response.end('here');
    else response.writeHead(status, { Location: to(origin, other) }).end();
  });
  const session = fakeSession();
  const guestFetch = createGuestFetch({ session: () => session, origins: [origin] });
  return { origin, other, seen, seenByOther, guestFetch };
}

test.each([301, 302, 303, 307, 308])(
  'a %d to another origin takes no token there',
  async (status) => {
    const { origin, seen, seenByOther, guestFetch } = await redirecting(
      (_own, other) => other,
      status,
    );
    await guestFetch(`${origin}/go`).catch(() => undefined);
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer token-1']);
    for (const { authorization } of seenByOther) expect(authorization).toBeUndefined();
  },
);

test.each([
  ['to another origin', (_own: string, other: string) => other],
  ['to the same origin', (own: string) => `${own}/landing?key=s3cret`],
])('a redirect %s is refused, and the error says what to do', async (_where, to) => {
  const { origin, seen, seenByOther, guestFetch } = await redirecting(to);
  for (const input of [`${origin}/go`, new Request(`${origin}/go`)]) {
    const failure: unknown = await guestFetch(input).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'rejected',
      status: 302,
      retryable: false,
      message: expect.stringContaining('redirect: "manual"'),
    });
    expect(inspect(failure, { depth: null })).not.toContain('s3cret');
  }
  expect(seen.map(({ url }) => url)).toEqual(['/go', '/go']);
  expect(seenByOther).toEqual([]);
});

test('a 304 is no redirect', async () => {
  const { origin, guestFetch } = await redirecting((own) => own, 304);
  expect((await guestFetch(`${origin}/go`)).status).toBe(304);
});

test('a browser’s worker follows redirects, since browsers drop the token on the way', async () => {
  vi.stubGlobal('importScripts', () => undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  const { origin, guestFetch } = await redirecting((own) => `${own}/landing`);
  for (const input of [`${origin}/go`, new Request(`${origin}/go`)]) {
    expect(await (await guestFetch(input)).text()).toBe('here');
  }
});

test('the referrer policy is as the caller set it, in each sending', async () => {
  const session = fakeSession();
  const policies: string[] = [];
  const guestFetch = createGuestFetch({
    session: () => session,
    origins: ['https://api.example'],
    async fetch(input, init) {
      policies.push(new Request(input, init).referrerPolicy);
      return new Response(null, { status: policies.length === 1 ? 401 : 200 });
    },
  });
  await guestFetch('https://api.example/x', { referrerPolicy: 'no-referrer' });
  expect(policies).toEqual(['no-referrer', 'no-referrer']);
});

test('options given as a Request are read as fetch reads them', async () => {
  const { seen, origin, guestFetch } = await api('token-2');
  const before = new Request(`${origin}/v1`, { method: 'PUT', body: 'hello' });
  const response = await guestFetch(`${origin}/v2`, before);
  expect(response.status).toBe(200);
  expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
    ['PUT', '/v2', 'hello'],
    ['PUT', '/v2', 'hello'],
  ]);
});

test('options given as a Request without a body keep their method', async () => {
  const { seen, origin, guestFetch } = await api('token-2');
  const options = new Request(`${origin}/v1`, { method: 'DELETE' });
  expect((await guestFetch(`${origin}/v2`, options)).status).toBe(200);
  expect(seen.map(({ method, url }) => [method, url])).toEqual([
    ['DELETE', '/v2'],
    ['DELETE', '/v2'],
  ]);
});

test('a caller who wants to look at redirects is shown them', async () => {
  const { origin, other, seenByOther, guestFetch } = await redirecting((_own, to) => to);
  const response = await guestFetch(`${origin}/go`, { redirect: 'manual' });
  expect(response.status).toBe(302);
  expect(response.headers.get('Location')).toBe(other);
  expect(seenByOther).toEqual([]);
});

test('a call to a stranger follows redirects as ever, without a token', async () => {
  const { other, seen, seenByOther } = await redirecting((_own, to) => to);
  const start = await serve((_request, response) => {
    response.writeHead(302, { Location: other }).end();
  });
  const guestFetch = createGuestFetch({ session: () => fakeSession() });
  expect(await (await guestFetch(start)).text()).toBe('other');
  expect([...seen, ...seenByOther].map(({ authorization }) => authorization)).toEqual([undefined]);
});

test('a caller who gives up closes the connection', async () => {
  let closed: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  let arrived: () => void = () => undefined;
  const here = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const origin = await serve((_request, response) => {
    response.on('close', closed);
    arrived();
  });
  const guestFetch = createGuestFetch({ session: () => fakeSession(), origins: [origin] });
  const caller = new AbortController();
  const call = guestFetch(origin, { signal: caller.signal });
  await here;
  caller.abort();
  await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  await gone;
});

test('refused answers that nobody reads hold no connection', async () => {
  const { origin, guestFetch } = await api('token-2');
  const first = await guestFetch(`${origin}/1`);
  await first.text();
  // one after the other, so that each could use the connection of the one before
  for (let n = 0; n < 50; n++) await (await guestFetch(`${origin}/${n}`)).text();
  expect(first.status).toBe(200);
});
