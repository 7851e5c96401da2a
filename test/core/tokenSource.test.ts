// A URL as the source of tokens: what it sends, and what it makes of the response.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type EndpointTokenSourceOptions,
  endpointTokenSource,
  type GuestTokenReply,
  type GuestTokenRequest,
  type GuestTokenSourceContext,
  isGuestTokenError,
  readGuestToken,
} from '../../src/core/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 8);
const ASKED: GuestTokenRequest = {
  externalId: 'customer-42',
  channelId: 'support',
  attributes: { page: '/pricing' },
  fresh: false,
};

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

interface Endpoint {
  readonly requests: Request[];
  ask(request?: Partial<GuestTokenRequest>, context?: Partial<GuestTokenSourceContext>): Reply;
}
type Reply = Promise<GuestTokenReply>;

/** An endpoint that gives this answer, and the source that asks it. */
function endpoint(
  answer: (request: Request) => Response | Promise<Response>,
  options: EndpointTokenSourceOptions = {},
  url = 'https://shop.example/api/guest-token',
): Endpoint {
  const requests: Request[] = [];
  const source = endpointTokenSource(url, {
    fetch: async (input, init) => {
      const request = new Request(input, init);
      requests.push(request);
      return await answer(request);
    },
    ...options,
  });
  return {
    requests,
    ask: (request, context) =>
      source({ ...ASKED, ...request }, { signal: new AbortController().signal, ...context }),
  };
}

const good = (): Response => Response.json({ id: 'guest-1', token: 'opaque', expires_in: 600 });
const status =
  (code: number, headers: HeadersInit = {}, body: BodyInit | null = null) =>
  (): Response =>
    new Response(body, { status: code, headers });

/** What a promise rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  let failure: unknown = 'it did not fail';
  await promise.catch((error: unknown) => {
    failure = error;
  });
  return failure;
}

describe('the request', () => {
  test('is a POST of what Genesys wants, as JSON, with the cookies of the page’s own site', async () => {
    const { requests, ask } = endpoint(good);
    await ask();
    const [request] = requests;
    expect(request).toMatchObject({
      url: 'https://shop.example/api/guest-token',
      method: 'POST',
      credentials: 'same-origin',
    });
    expect(request?.headers.get('Content-Type')).toBe('application/json');
    expect(request?.headers.get('Cache-Control')).toBeNull();
    expect(await request?.json()).toEqual({
      channelId: 'support',
      externalId: 'customer-42',
      attributes: { page: '/pricing' },
    });
  });

  test('for a replacement says no-cache', async () => {
    const { requests, ask } = endpoint(good);
    await ask({ fresh: true });
    expect(requests[0]?.headers.get('Cache-Control')).toBe('no-cache');
    expect(await requests[0]?.json()).not.toHaveProperty('fresh');
  });

  test('sends the credentials that are asked for', async () => {
    for (const credentials of ['include', 'omit'] as const) {
      const { requests, ask } = endpoint(good, { credentials });
      await ask();
      expect(requests[0]?.credentials).toBe(credentials);
    }
  });

  test.each([
    ['an object', { 'X-Csrf': 'abc' }],
    ['pairs', [['X-Csrf', 'abc']] satisfies HeadersInit],
    ['Headers', new Headers({ 'X-Csrf': 'abc' })],
    ['a function', () => ({ 'X-Csrf': 'abc' })],
    ['a function that takes its time', async () => new Headers({ 'X-Csrf': 'abc' })],
  ])('carries headers given as %s', async (_how, headers) => {
    const { requests, ask } = endpoint(good, { headers });
    await ask();
    expect(requests[0]?.headers.get('X-Csrf')).toBe('abc');
    expect(requests[0]?.headers.get('Content-Type')).toBe('application/json');
  });

  test('calls a headers function each time', async () => {
    let n = 0;
    const { requests, ask } = endpoint(good, { headers: () => ({ 'X-Csrf': String(++n) }) });
    await ask();
    await ask();
    expect(requests.map(({ headers }) => headers.get('X-Csrf'))).toEqual(['1', '2']);
  });

  test('uses the global fetch as it is at that moment', async () => {
    const source = endpointTokenSource('https://shop.example/token');
    const late = vi.fn(async () => good());
    vi.stubGlobal('fetch', late);
    await source(ASKED, { signal: new AbortController().signal });
    expect(late).toHaveBeenCalledTimes(1);
  });

  test('goes to a URL object as well', async () => {
    const seen: unknown[] = [];
    const source = endpointTokenSource(new URL('https://shop.example/token'), {
      fetch: async (input) => {
        seen.push(String(input));
        return good();
      },
    });
    await source(ASKED, { signal: new AbortController().signal });
    expect(seen).toEqual(['https://shop.example/token']);
    expect(source.key).toBe('https://shop.example/token');
  });
});

describe('the answer', () => {
  test('of Genesys is passed on as it is', async () => {
    const reply = {
      id: 'guest-1',
      token: 'opaque',
      created_time: '2026-11-23T07:00:00Z',
      state: 'ACTIVE',
      external_id: 'customer-42',
      channel_id: 'support',
    };
    expect(await endpoint(() => Response.json(reply)).ask()).toEqual(reply);
  });

  test.each([
    ['right', 0],
    ['two days ahead', 2 * 86_400_000],
    ['two days behind', -2 * 86_400_000],
  ])(
    'without expires_in gets it from the Date header, on a machine whose clock is %s',
    async (_how, aheadMs) => {
      const trueNowMs = NOW_MS - aheadMs;
      const iat = trueNowMs / 1_000 - 1_800; // from a pool, half an hour old
      const token = fakeGuestToken({ iat, lifeSeconds: 3_600 });
      const headers = { Date: new Date(trueNowMs).toUTCString() };
      const reply = await endpoint(() => Response.json({ id: 'g', token }, { headers })).ask();
      expect(reply.expires_in).toBe(1_800);
      expect(readGuestToken(reply).expiresAtMs).toBe(NOW_MS + 1_800_000);
    },
  );

  test('with an expires_in of its own keeps it', async () => {
    const headers = { Date: new Date(NOW_MS).toUTCString() };
    const reply = { id: 'g', token: fakeGuestToken(), expires_in: 7 };
    expect(await endpoint(() => Response.json(reply, { headers })).ask()).toEqual(reply);
  });

  test.each([
    ['no Date header', {}],
    ['a Date header of junk', { Date: 'junk' }],
  ])('with %s is passed on as it is', async (_what, headers) => {
    const reply = { id: 'g', token: fakeGuestToken() };
    expect(await endpoint(() => Response.json(reply, { headers })).ask()).toEqual(reply);
  });

  test.each([
    ['a page of HTML', '<!doctype html><p>secret page</p>', 'text/html'],
    ['no JSON', '{"id": secret', 'application/json'],
    ['nothing', '', 'application/json'],
    ['null', 'null', 'application/json'],
    ['a list', '["secret"]', 'application/json'],
    ['a reply without an id', '{"token":"secret"}', 'application/json'],
    ['a reply without a token', '{"id":"secret"}', 'application/json'],
    ['an empty token', '{"id":"secret","token":""}', 'application/json'],
    ['a token that would split a header', '{"id":"a","token":"secret\\r\\nX: 1"}', 'text/plain'],
  ])(
    'that is %s is malformed_reply, named by URL, with nothing of it told',
    async (_what, body, type) => {
      const answer = (): Response => new Response(body, { headers: { 'Content-Type': type } });
      const failure = await failureOf(endpoint(answer).ask());
      expect(failure).toMatchObject({
        code: 'malformed_reply',
        message: expect.stringContaining('https://shop.example/api/guest-token'),
      });
      expect(inspect(failure, { depth: null, showHidden: true })).not.toContain('secret');
    },
  );

  test('that is a page of HTML hints at the URL, and one that is broken JSON at the JSON', async () => {
    const hintOf = async (body: string, type: string): Promise<unknown> => {
      const answer = (): Response => new Response(body, { headers: { 'Content-Type': type } });
      const failure = await failureOf(endpoint(answer).ask());
      return isGuestTokenError(failure) && failure.hint;
    };
    expect(await hintOf('<!doctype html>', 'text/html; charset=utf-8')).toMatch(/URL/);
    expect(await hintOf('{', 'application/json')).toMatch(/JSON/);
  });

  test('that breaks off on its way is told as what broke it, not as a wrong answer', async () => {
    const broken = new TypeError('terminated');
    const answer = (): Response =>
      new Response(new ReadableStream({ pull: (s) => s.error(broken) }));
    expect(await failureOf(endpoint(answer).ask())).toBe(broken);
  });

  test('is read as JSON whatever its Content-Type', async () => {
    const answer = (): Response =>
      new Response('{"id":"a","token":"t"}', { headers: { 'Content-Type': 'text/html' } });
    expect(await endpoint(answer).ask()).toEqual({ id: 'a', token: 't' });
  });
});

describe('an answer with status', () => {
  test.each([
    [401, 'unauthorized', false],
    [403, 'forbidden', false],
    [408, 'timed_out', true],
    [429, 'rate_limited', true],
    [400, 'rejected', false],
    [404, 'rejected', false],
    [405, 'rejected', false],
    [418, 'rejected', false],
    [500, 'unavailable', true],
    [501, 'unavailable', false],
    [503, 'unavailable', true],
    [304, 'rejected', false],
  ])('%d is %s', async (code, expected, retryable) => {
    const failure = await failureOf(endpoint(status(code)).ask());
    expect(isGuestTokenError(failure)).toBe(true);
    expect(failure).toMatchObject({ code: expected, status: code, retryable });
  });

  test('429 tells when to come back: by the header, or by the body where there is none', async () => {
    const at = async (headers: HeadersInit, body: unknown): Promise<unknown> => {
      const failure = await failureOf(endpoint(status(429, headers, JSON.stringify(body))).ask());
      return isGuestTokenError(failure) && failure.retryAtMs;
    };
    expect(await at({ 'Retry-After': '42' }, {})).toBe(NOW_MS + 42_000);
    expect(await at({ 'Retry-After': '42' }, { retryAfter: 7 })).toBe(NOW_MS + 42_000);
    expect(await at({}, { retryAfter: 7 })).toBe(NOW_MS + 7_000);
    expect(await at({ 'Retry-After': 'junk' }, { retryAfter: 7 })).toBe(NOW_MS + 7_000);
    for (const junk of [-1, 'soon', null, {}, [7, 8], true, '7 s', 1e40]) {
      expect(await at({}, { retryAfter: junk }), String(junk)).toBeUndefined();
    }
    expect(await at({}, 'text')).toBeUndefined();
  });

  test('and a problem document of our broker keeps its code and Genesys’ contextId', async () => {
    const body = JSON.stringify({
      code: 'identity_mismatch',
      contextId: '0f3e-42',
      detail: 'secret detail',
      hint: 'secret hint',
    });
    const failure = await failureOf(endpoint(status(403, {}, body)).ask());
    expect(failure).toMatchObject({ code: 'identity_mismatch', status: 403, contextId: '0f3e-42' });
    expect(inspect(failure, { depth: null, showHidden: true })).not.toContain('secret');
  });

  test('and a problem document keeps its reason, if it is a slug', async () => {
    const reasonOf = async (reason: unknown): Promise<unknown> => {
      const failure = await failureOf(endpoint(status(400, {}, JSON.stringify({ reason }))).ask());
      return isGuestTokenError(failure) && failure.reason;
    };
    expect(await reasonOf('body_too_long')).toBe('body_too_long');
    expect(await reasonOf('constructor')).toBe('constructor');
    for (const junk of ['Secret', 'a-b', '', 'x'.repeat(41), 7, null, {}, ['a'], 'a\nb', 'é']) {
      expect(await reasonOf(junk), String(junk)).toBeUndefined();
    }
  });

  test.each([
    [
      '403 for a foreign origin is about allowedOrigins, not OAuth',
      403,
      'foreign_origin',
      /allowedOrigins/,
    ],
    [
      '403 for another reason is about role and scope',
      403,
      'other',
      /role permission and OAuth scope/,
    ],
    ['404 is about the URL', 404, undefined, /URL/],
    ['400 is about what was asked', 400, undefined, /channelId/],
  ])('has a hint that fits: %s', async (_title, code, reason, hint) => {
    const body = JSON.stringify({ code: code === 403 ? 'forbidden' : 'rejected', reason });
    const failure = await failureOf(endpoint(status(code, {}, body)).ask());
    expect(failure).toMatchObject({ hint: expect.stringMatching(hint), retryable: false });
    expect(isGuestTokenError(failure) && failure.message).toMatch(hint);
  });

  test('and an unknown code or an odd contextId counts by its status alone', async () => {
    for (const junk of ['bad.credentials', '', 7, null, 'toString', '__proto__', ['expired']]) {
      const body = JSON.stringify({ code: junk, contextId: `<script>${junk}` });
      const failure = await failureOf(endpoint(status(401, {}, body)).ask());
      expect(failure).toMatchObject({ code: 'unauthorized', contextId: undefined });
    }
  });
});

describe('a request that fails', () => {
  const failing =
    (error: unknown): (() => Promise<never>) =>
    () =>
      Promise.reject(error);

  test('in the platform’s own fetch is unreachable, whatever the engine says about it', async () => {
    vi.stubGlobal('fetch', failing(new TypeError('Verbindung abgelehnt')));
    const source = endpointTokenSource('https://shop.example/token');
    const failure = await failureOf(source(ASKED, { signal: new AbortController().signal }));
    expect(failure).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('https://shop.example/token'),
    });
  });

  test('in a fetch of your own is passed on as it is, since that may have a bug', async () => {
    const bug = new TypeError("Cannot read properties of undefined (reading 'token')");
    expect(await failureOf(endpoint(failing(bug)).ask())).toBe(bug);
  });

  test('is misconfigured where the platform has no fetch and none is given', async () => {
    vi.stubGlobal('fetch', undefined);
    const source = endpointTokenSource('https://shop.example/token');
    const failure = await failureOf(source(ASKED, { signal: new AbortController().signal }));
    expect(failure).toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('"fetch"'),
    });
  });
});
