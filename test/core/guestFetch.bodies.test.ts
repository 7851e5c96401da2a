// Bodies that can be read once, and callers who give up.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGuestFetch } from '../../src/core/index.ts';
import { fakeSession } from './fakeSession.ts';

const API = 'https://api.mypurecloud.ie';

beforeEach(() => {
  // not setImmediate, by which Node reads a Blob
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(() => vi.useRealTimers());

/** A guest fetch whose server answers with these statuses and then 200, having read each body. */
function against(statuses: readonly number[], { delayMs = 0 } = {}) {
  const session = fakeSession({ delayMs });
  const sent: Request[] = [];
  const bodies: string[] = [];
  const guestFetch = createGuestFetch({
    session: () => session,
    origins: [API],
    fetch: async (input, init) => {
      // as it is: Node loses referrer and referrerPolicy in a copy
      const request = input instanceof Request ? input : new Request(input, init);
      const status = statuses[sent.push(request) - 1] ?? 200;
      bodies.push(await request.text());
      return new Response(null, { status });
    },
  });
  return { session, sent, bodies, guestFetch };
}

/** Lets time pass until the promise has settled. */
async function passing<Result>(promise: Promise<Result>): Promise<Result> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  while (!settled) await vi.advanceTimersByTimeAsync(100);
  return promise;
}

function streamOf(...parts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(stream) {
      for (const part of parts) stream.enqueue(new TextEncoder().encode(part));
      stream.close();
    },
  });
}

const form = new FormData();
form.set('note', 'hello');
form.set('file', new Blob(['a file']), 'a.txt');

describe.each([
  ['a 401', [401]],
  ['a 429', [429]],
  ['a 429 and a 401', [429, 401]],
])('after %s the same body is sent again:', (_why, statuses) => {
  test.each([
    ['text', 'hello'],
    ['bytes', new TextEncoder().encode('hello')],
    ['a Blob', new Blob(['hello'])],
    ['URLSearchParams', new URLSearchParams({ q: 'hello' })],
    ['a form with a file', form],
  ])('%s', async (_what, body) => {
    const { bodies, sent, guestFetch } = against(statuses);
    const response = await passing(guestFetch(`${API}/x`, { method: 'POST', body }));
    expect(response.status).toBe(200);
    expect(bodies).toHaveLength(statuses.length + 1);
    expect(bodies[0]).toContain('hello');
    expect(new Set(bodies).size).toBe(1);
    // a form's boundary is in both
    expect(new Set(sent.map(({ headers }) => headers.get('Content-Type'))).size).toBe(1);
  });

  test('a stream', async () => {
    const { bodies, guestFetch } = against(statuses);
    const init = { method: 'POST', body: streamOf('hel', 'lo'), duplex: 'half' as const };
    const response = await passing(guestFetch(`${API}/x`, init));
    expect(response.status).toBe(200);
    expect(bodies).toEqual(Array(statuses.length + 1).fill('hello'));
  });

  test('that of a Request', async () => {
    const { bodies, sent, guestFetch } = against(statuses);
    const headers = { 'X-Mine': '1', 'Content-Type': 'application/json' };
    const request = new Request(`${API}/x`, { method: 'PATCH', body: '{"a":"hello"}', headers });
    const response = await passing(guestFetch(request));
    expect(response.status).toBe(200);
    expect(bodies).toEqual(Array(statuses.length + 1).fill('{"a":"hello"}'));
    for (const each of sent) {
      expect(each.method).toBe('PATCH');
      expect(each.headers.get('X-Mine')).toBe('1');
      expect(each.headers.get('Content-Type')).toBe('application/json');
    }
  });

  test('that of a Request with other options beside it', async () => {
    const { bodies, sent, guestFetch } = against(statuses);
    const request = new Request(`${API}/x`, { method: 'POST', body: 'before' });
    await passing(guestFetch(request, { body: 'hello', headers: { 'X-Mine': '2' } }));
    expect(bodies).toEqual(Array(statuses.length + 1).fill('hello'));
    expect(sent[0]?.headers.get('X-Mine')).toBe('2');
  });
});

test.each([
  ['no body', {}],
  ['a text', { method: 'POST', body: 'hello' }],
  ['URLSearchParams', { method: 'POST', body: new URLSearchParams({ q: 'hello' }) }],
])('a call with %s needs no clone of a Request to be sent again', async (_what, init) => {
  const clone = vi.spyOn(Request.prototype, 'clone');
  const { bodies, guestFetch } = against([401]);
  await passing(guestFetch(`${API}/x`, init));
  expect(bodies).toHaveLength(2);
  expect(clone).not.toHaveBeenCalled();
  clone.mockRestore();
});

test('what the caller changes after the call is not sent', async () => {
  const { bodies, sent, guestFetch } = against([401], { delayMs: 500 });
  const body = new URLSearchParams({ page: '1' });
  const headers = new Headers({ 'X-Page': '1' });
  const init = { method: 'POST', body, headers };
  const call = guestFetch(`${API}/x`, init);
  body.set('page', '2');
  headers.set('X-Page', '2');
  init.method = 'PUT';
  await passing(call);
  expect(bodies).toEqual(['page=1', 'page=1']);
  expect(sent.map((request) => [request.method, request.headers.get('X-Page')])).toEqual([
    ['POST', '1'],
    ['POST', '1'],
  ]);
});

test('a body that has been read already fails as it does with fetch', async () => {
  const { sent, guestFetch } = against([]);
  const request = new Request(`${API}/x`, { method: 'POST', body: 'hello' });
  await request.text();
  await expect(passing(guestFetch(request))).rejects.toThrow(TypeError);
  expect(sent).toEqual([]);
});

test.each([
  ['cache', { cache: 'no-cache' }],
  ['credentials', { credentials: 'include' }],
  ['keepalive', { keepalive: true }],
  ['mode', { mode: 'same-origin' }],
  ['integrity', { integrity: 'sha256-abc' }],
  ['redirect', { redirect: 'manual' }],
  ['referrer', { referrer: '' }],
  ['referrerPolicy', { referrerPolicy: 'no-referrer' }],
] satisfies [string, RequestInit][])(
  '%s is as the caller set it, in each sending',
  async (_option, init) => {
    const { sent, guestFetch } = against([401]);
    await passing(guestFetch(`${API}/x`, init));
    expect(sent).toHaveLength(2);
    const asked = new Request(`${API}/x`, init);
    for (const [option] of Object.entries(init)) {
      for (const request of sent) {
        expect(Reflect.get(request, option)).toBe(Reflect.get(asked, option));
      }
    }
  },
);

describe('a caller who gives up', () => {
  /** A call with a signal, and how it has ended so far. */
  function call(setup: ReturnType<typeof against>, signal: AbortSignal, viaRequest = false) {
    const ended: { outcome: unknown } = { outcome: 'waiting' };
    const input = viaRequest ? new Request(`${API}/x`, { signal }) : `${API}/x`;
    setup.guestFetch(input, viaRequest ? undefined : { signal }).then(
      ({ status }) => {
        ended.outcome = status;
      },
      (error: unknown) => {
        ended.outcome = error;
      },
    );
    return ended;
  }
  const reason = new DOMException('The user closed the chat.', 'AbortError');

  test.each([
    ['by init.signal', false],
    ['by the signal of a Request', true],
  ])('during a wait for a 429 ends it at once, %s', async (_how, viaRequest) => {
    const setup = against([429]);
    const caller = new AbortController();
    const ended = call(setup, caller.signal, viaRequest);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ended.outcome).toBe('waiting');
    caller.abort(reason);
    await vi.advanceTimersByTimeAsync(0);
    expect(ended.outcome).toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(setup.sent).toHaveLength(1);
  });

  test('while the token is replaced has nothing sent again', async () => {
    const setup = against([401], { delayMs: 5_000 });
    const caller = new AbortController();
    const ended = call(setup, caller.signal);
    await vi.advanceTimersByTimeAsync(1_000);
    caller.abort(reason);
    await vi.runAllTimersAsync();
    expect(ended.outcome).toBe(reason);
    expect(setup.sent).toHaveLength(1);
  });

  test('before it began has nothing sent at all', async () => {
    const setup = against([]);
    const ended = call(setup, AbortSignal.abort(reason));
    await vi.runAllTimersAsync();
    expect(ended.outcome).toBe(reason);
    expect(setup.sent).toEqual([]);
  });

  test('while the request is under way aborts the request', async () => {
    const session = fakeSession();
    const signals: AbortSignal[] = [];
    const guestFetch = createGuestFetch({
      session: () => session,
      origins: [API],
      fetch: (input, init) => {
        const { signal } = new Request(input, init);
        signals.push(signal);
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      },
    });
    const caller = new AbortController();
    const outcome = guestFetch(`${API}/x`, { signal: caller.signal }).catch((error) => error);
    await vi.advanceTimersByTimeAsync(0);
    caller.abort(reason);
    expect(await outcome).toBe(reason);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('does not end the calls of others', async () => {
    const setup = against([429, 429]);
    const caller = new AbortController();
    const given = call(setup, caller.signal);
    const kept = call(setup, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(100);
    caller.abort(reason);
    await vi.runAllTimersAsync();
    expect([given.outcome, kept.outcome]).toEqual([reason, 200]);
  });
});
