// @vitest-environment jsdom
// In a page, where the browser follows redirects.
// What a call with the token does about a refusal, a 429 and a 5xx.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGuestFetch } from '../../src/core/index.ts';
import { type FakeSession, fakeSession } from './fakeSession.ts';

const API = 'https://api.mypurecloud.ie';
const NOW_MS = Date.UTC(2026, 10, 23, 8);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Sent {
  readonly token: string;
  readonly body: string;
  readonly request: Request;
  readonly atMs: number;
}

type Answer = (sent: Sent, n: number) => Response | Promise<Response>;

/** A guest fetch against a server that answers like this; its calls, as the server saw them. */
function against(answer: Answer, session: FakeSession = fakeSession()) {
  const sent: Sent[] = [];
  const guestFetch = createGuestFetch({
    session: () => session,
    origins: [API],
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const seen = {
        token: request.headers.get('Authorization')?.replace('Bearer ', '') ?? '',
        body: await request.clone().text(),
        request,
        atMs: Date.now() - NOW_MS,
      };
      return await answer(seen, sent.push(seen));
    },
  });
  const call = (init?: RequestInit): Promise<Response> => guestFetch(`${API}/x`, init);
  return { sent, session, guestFetch, call };
}

/** Answers of these statuses, then 200. */
const statuses =
  (...codes: readonly number[]): Answer =>
  (_sent, n) =>
    new Response(`answer ${n}`, { status: codes[n - 1] ?? 200 });

/** A server that takes only this token. */
const takesOnly =
  (good: string, status = 401): Answer =>
  ({ token }) =>
    new Response(token, { status: token === good ? 200 : status });

/** Lets time pass until the promise has settled. */
async function passing<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  await vi.runAllTimersAsync();
  return promise;
}

describe('a refused token', () => {
  test.each([401, 403])('is replaced and the call sent once more, after a %d', async (status) => {
    const { sent, session, call } = against(takesOnly('token-2', status));
    const response = await passing(call());
    expect(response.status).toBe(200);
    expect(sent.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
    expect(session.rejected).toEqual(['token-1']);
  });

  test('whose replacement is refused, too: the caller gets that response, and there is no third try', async () => {
    const { sent, call } = against(statuses(401, 403, 401, 401));
    const response = await passing(call());
    expect(response.status).toBe(403);
    expect(await response.text()).toBe('answer 2');
    expect(sent).toHaveLength(2);
  });

  test.each([true, false])(
    'is reported to the session, and so is a refused replacement that it would replace (%s)',
    async (replacesAgain) => {
      const session = fakeSession();
      const { sent, call } = against(statuses(401, 403), session);
      const reject = vi.spyOn(session, 'reject');
      reject.mockImplementationOnce(() => {
        session.renew();
        return true;
      });
      reject.mockReturnValueOnce(replacesAgain);
      expect((await passing(call())).status).toBe(403);
      expect(reject.mock.calls).toEqual([['token-1'], ['token-2']]);
      expect(sent).toHaveLength(2);
    },
  );

  test('that is older than the one in hand only has the call resent', async () => {
    const session = fakeSession();
    const { sent, call } = against(({ token }) => {
      if (token === 'token-1') session.renew(); // meanwhile, by somebody else
      return new Response(null, { status: token === 'token-1' ? 401 : 200 });
    }, session);
    const response = await passing(call());
    expect(response.status).toBe(200);
    expect(sent.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
    expect(session.acquisitions).toBe(2); // the one of somebody else
  });

  test('that will not be replaced now leaves the answer as it is', async () => {
    const { sent, call } = against(statuses(403), fakeSession({ replaces: false }));
    const response = await passing(call());
    expect(response.status).toBe(403);
    expect(await response.text()).toBe('answer 1');
    expect(sent).toHaveLength(1);
  });

  test('for which there is no other one leaves the answer as it is, readable', async () => {
    const session = fakeSession();
    const { sent, call } = against(statuses(401), session);
    vi.spyOn(session, 'getToken').mockResolvedValue('token-1');
    const response = await passing(call());
    expect([response.status, await response.text()]).toEqual([401, 'answer 1']);
    expect(sent).toHaveLength(1);
  });

  test('whose replacement fails leaves the answer as it is, readable', async () => {
    const session = fakeSession();
    const { sent, call } = against(statuses(401), session);
    vi.spyOn(session, 'getToken')
      .mockResolvedValueOnce('token-1')
      .mockRejectedValueOnce(new TypeError('Failed to fetch'));
    const response = await passing(call());
    expect(response.status).toBe(401);
    expect(await response.text()).toBe('answer 1');
    expect(sent).toHaveLength(1);
  });

  test.each([10, 1_000])(
    'of %d calls at once is replaced once, and each call resent once',
    async (count) => {
      const { sent, session, guestFetch } = against(
        takesOnly('token-2'),
        fakeSession({ delayMs: 300 }),
      );
      const calls = Array.from({ length: count }, (_, n) => guestFetch(`${API}/${n}`));
      const responses = await passing(Promise.all(calls));
      expect(responses.every(({ ok }) => ok)).toBe(true);
      expect(session.acquisitions).toBe(2);
      const perCall = new Map<string, string[]>();
      for (const { request, token } of sent) {
        perCall.set(request.url, [...(perCall.get(request.url) ?? []), token]);
      }
      expect([...perCall.values()]).toEqual(Array(count).fill(['token-1', 'token-2']));
    },
  );

  test('of a call that waits while the token is replaced is not sent at all', async () => {
    const { sent, call } = against(takesOnly('token-2'), fakeSession({ delayMs: 300 }));
    const first = call();
    await vi.advanceTimersByTimeAsync(100);
    const second = call();
    await passing(Promise.all([first, second]));
    expect(sent.map(({ token }) => token)).toEqual(['token-1', 'token-2', 'token-2']);
  });

  test('is asked for no more than once where a call fails without a token', async () => {
    const session = fakeSession();
    const { sent, call } = against(statuses(), session);
    vi.spyOn(session, 'getToken').mockRejectedValue(new Error('No token.'));
    await expect(passing(call())).rejects.toThrow('No token.');
    expect(sent).toEqual([]);
  });
});

test('the session at the beginning of a call is its session to the end', async () => {
  const [ann, bob] = [fakeSession(), fakeSession()];
  vi.spyOn(bob, 'getToken');
  let current = ann;
  const sent: (string | null)[] = [];
  const guestFetch = createGuestFetch({
    session: () => current,
    origins: [API],
    fetch: async (input, init) => {
      current = bob;
      sent.push(new Request(input, init).headers.get('Authorization'));
      return new Response(null, { status: sent.length === 1 ? 401 : 200 });
    },
  });
  await passing(guestFetch(`${API}/x`));
  expect(sent).toEqual(['Bearer token-1', 'Bearer token-2']);
  expect(ann.rejected).toEqual(['token-1']);
  expect([bob.rejected, vi.mocked(bob.getToken).mock.calls]).toEqual([[], []]);
});

describe('a 429', () => {
  const busy = (headers: HeadersInit, body: unknown = {}): Answer => {
    return (_sent, n) =>
      n === 1 ? Response.json(body, { status: 429, headers }) : new Response('done');
  };

  test.each([
    ['seconds', { 'Retry-After': '42' }, {}, 42_000],
    ['a date', { 'Retry-After': 'Mon, 23 Nov 2026 08:00:42 GMT' }, {}, 42_000],
    ['its body', {}, { retryAfter: 42 }, 42_000],
    ['junk', { 'Retry-After': 'soon' }, {}, 2_000],
    ['nothing', {}, {}, 2_000],
    ['less than the backoff', { 'Retry-After': '1' }, {}, 2_000],
  ])('is waited for and sent again, a POST too: %s', async (_how, headers, body, waitMs) => {
    const { sent, session, call } = against(busy(headers as HeadersInit, body));
    const response = await passing(call({ method: 'POST', body: 'hello' }));
    expect(await response.text()).toBe('done');
    expect(sent.map(({ atMs }) => atMs)).toEqual([0, waitMs]);
    expect(sent.map((each) => each.body)).toEqual(['hello', 'hello']);
    expect(session.rejected).toEqual([]);
  });

  /** A body of `part` over and over, and how often it was pulled and cancelled. */
  function endlessBody(part: string | undefined) {
    const seen = { pulled: 0, cancelled: 0 };
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(stream) {
          seen.pulled++;
          if (part) stream.enqueue(new TextEncoder().encode(part));
          else return new Promise(() => undefined);
        },
        cancel() {
          seen.cancelled++;
        },
      },
      { highWaterMark: 0 },
    );
    return { seen, stream };
  }

  test.each([
    ['never comes', undefined],
    ['never ends', 'x'.repeat(1_024)],
  ])('without Retry-After whose body %s is given up after a second', async (_what, part) => {
    const { seen, stream } = endlessBody(part);
    const { sent, call } = against((_sent, n) =>
      n === 1 ? new Response(stream, { status: 429 }) : new Response('done'),
    );
    expect(await (await passing(call())).text()).toBe('done');
    expect(sent[1]?.atMs).toBeGreaterThanOrEqual(2_000);
    expect(sent[1]?.atMs).toBeLessThanOrEqual(3_000);
    expect(seen.pulled).toBeLessThan(100);
    expect(seen.cancelled).toBe(1);
  });

  test('without Retry-After whose body arrives in parts is read whole', async () => {
    const bytes = new TextEncoder().encode('{ "message": "später", "retryAfter": 7 }');
    const { sent, call } = against((_sent, n) => {
      const body = new ReadableStream<Uint8Array>({
        start(parts) {
          for (const byte of bytes) parts.enqueue(new Uint8Array([byte]));
          parts.close();
        },
      });
      return n === 1 ? new Response(body, { status: 429 }) : new Response('done');
    });
    await passing(call());
    expect(sent.map(({ atMs }) => atMs)).toEqual([0, 7_000]);
  });

  test.each([
    ['{ "retryAfter": { "toString": 1, "valueOf": 1 } }', 2_000],
    ['{ "retryAfter": "2.25" }', 2_250],
  ])('without Retry-After and with the body %s is waited for', async (body, waitMs) => {
    const { sent, call } = against((_sent, n) =>
      n === 1 ? new Response(body, { status: 429 }) : new Response('done'),
    );
    await passing(call());
    expect(sent.map(({ atMs }) => atMs)).toEqual([0, waitMs]);
  });

  test('without Retry-After is still readable when it is handed over in the end', async () => {
    const { call } = against(() => Response.json({ message: 'Busy.' }, { status: 429 }));
    expect(await (await passing(call())).json()).toEqual({ message: 'Busy.' });
  });

  test('of more than a minute is handed over at once, its body readable', async () => {
    const { sent, call } = against(busy({ 'Retry-After': '61' }, { message: 'Busy.' }));
    const response = await passing(call());
    expect(response.status).toBe(429);
    expect(await response.json()).toEqual({ message: 'Busy.' });
    expect(sent).toHaveLength(1);
  });

  test('over and over is handed over after the third', async () => {
    const { sent, call } = against(statuses(429, 429, 429, 429));
    const response = await passing(call());
    expect(response.status).toBe(429);
    expect(await response.text()).toBe('answer 3');
    expect(sent.map(({ atMs }) => atMs)).toEqual([0, 2_000, 4_000]);
  });

  test('is sent again with the token of that moment', async () => {
    const session = fakeSession();
    const { sent, call } = against((_sent, n) => {
      if (n === 1) session.renew();
      return new Response(null, { status: n === 1 ? 429 : 200 });
    }, session);
    await passing(call());
    expect(sent.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
  });

  test('and a 401 after it is still answered with one new token', async () => {
    const { sent, session, call } = against(statuses(429, 401));
    expect((await passing(call())).status).toBe(200);
    expect(sent.map(({ token }) => token)).toEqual(['token-1', 'token-1', 'token-2']);
    expect(session.acquisitions).toBe(2);
  });
});

describe('a 5xx', () => {
  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])(
    'is tried again for %s',
    async (method) => {
      const { sent, call } = against(statuses(500, 503));
      expect((await passing(call({ method }))).status).toBe(200);
      expect(sent.map(({ atMs }) => atMs)).toEqual([0, 2_000, 4_000]);
    },
  );

  test.each(['POST', 'PATCH', 'FORGET', 'GETTING'])(
    'is handed over for %s, which may have been done',
    async (method) => {
      const { sent, call } = against(statuses(500));
      const response = await passing(call({ method, body: 'hello' }));
      expect([response.status, await response.text()]).toEqual([500, 'answer 1']);
      expect(sent).toHaveLength(1);
    },
  );

  test('that lasts is handed over after the third, as it is', async () => {
    const { sent, call } = against(statuses(502, 502, 502, 502));
    const response = await passing(call());
    expect([response.status, await response.text()]).toEqual([502, 'answer 3']);
    expect(sent).toHaveLength(3);
  });

  test('of 501 is handed over at once', async () => {
    const { sent, call } = against(statuses(501));
    expect((await passing(call())).status).toBe(501);
    expect(sent).toHaveLength(1);
  });
});

test('each sending has headers of its own, for a fetch that keeps what it was called with', async () => {
  const kept: (string | null | undefined)[] = [];
  const keptLater: (() => string | null)[] = [];
  const session = fakeSession();
  const guestFetch = createGuestFetch({
    session: () => session,
    origins: [API],
    async fetch(_input, init) {
      const headers = new Headers(init?.headers);
      kept.push(headers.get('Authorization'));
      if (init?.headers instanceof Headers) {
        const theirs = init.headers;
        keptLater.push(() => theirs.get('Authorization'));
      }
      return new Response(null, { status: kept.length === 1 ? 401 : 200 });
    },
  });
  await passing(guestFetch(`${API}/x`));
  expect(kept).toEqual(['Bearer token-1', 'Bearer token-2']);
  expect(keptLater.map((read) => read())).toEqual(kept);
});

test.each([200, 204, 302, 400, 404, 408, 409, 422])(
  'a %d is handed over at once',
  async (status) => {
    const { sent, session, call } = against(() => new Response(null, { status }));
    expect((await passing(call())).status).toBe(status);
    expect(sent).toHaveLength(1);
    expect(session.rejected).toEqual([]);
  },
);

test('a network failure is the caller’s, as fetch has it', async () => {
  const { sent, call } = against(() => Promise.reject(new TypeError('Failed to fetch')));
  await expect(passing(call())).rejects.toThrow(new TypeError('Failed to fetch'));
  expect(sent).toHaveLength(1);
});

test.each([
  [503, {}],
  [429, { 'Retry-After': '2' }],
])(
  'a %d whose body says nothing about the wait is not read first (headers: %j)',
  async (status, headers) => {
    const { sent, call } = against((_sent, n) =>
      n === 1 ? new Response(new ReadableStream(), { status, headers }) : new Response('done'),
    );
    expect((await passing(call())).status).toBe(200);
    expect(sent.map(({ atMs }) => atMs)).toEqual([0, 2_000]);
  },
);

test.each([401, 429, 503])(
  'the body of a %d that nobody will read is let go of',
  async (status) => {
    const cancelled: number[] = [];
    const { call } = against((_sent, n) => {
      const cancel = (): void => void cancelled.push(n);
      const body = new ReadableStream({ cancel });
      return n === 1
        ? new Response(body, { status, headers: { 'Retry-After': '1' } })
        : new Response('done');
    });
    expect(await (await passing(call())).text()).toBe('done');
    expect(cancelled).toEqual([1]);
  },
);
