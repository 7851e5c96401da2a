import { describe, expect, test, vi } from 'vitest';
import { GuestTokenError } from '../../src/index.ts';
import {
  down,
  type FakeSource,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  never,
  outcomeOf,
  pass,
  reply,
  SECOND,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer } from './server.ts';

withFakeTime();

/** Ms between the requests of one round. */
function waits({ askedAtMs }: FakeSource): number[] {
  return askedAtMs.slice(1).map((at, n) => at - Number(askedAtMs[n]));
}

describe('the waits between attempts', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 'soon'])(
    'a retryAtMs of %s in a source’s error leaves the backoff as it is',
    async (retryAtMs) => {
      const thrown = new GuestTokenError('unavailable', 'It failed.');
      const source = fakeSource(() => Promise.reject(Object.assign(thrown, { retryAtMs })));
      const page = showWidget({ source });
      await pass(10 * SECOND);
      expect(waits(source)).toEqual([2_000, 2_000]);
      source.answer = issuing(HOUR);
      await pass(MINUTE);
      expect(page.view.status).toBe('success');
    },
  );

  test('the backoff doubles from 2 s to 10 s', async () => {
    const source = fakeSource(down);
    showWidget({ source, retry: { attempts: 7 } });
    await pass(MINUTE - SECOND);
    expect(waits(source).slice(0, 6)).toEqual([2_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test('jitter lengthens the backoff by up to a quarter', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
    const source = fakeSource(down);
    showWidget({ source });
    await pass(6 * SECOND);
    for (const waitMs of waits(source)) {
      expect(waitMs).toBeGreaterThanOrEqual(2_499);
      expect(waitMs).toBeLessThanOrEqual(2_501);
    }
    expect(source.requests).toHaveLength(3);
  });

  test('attempts, minDelayMs and maxDelayMs set the backoff', async () => {
    const source = fakeSource(down);
    showWidget({ source, retry: { attempts: 4, minDelayMs: 100, maxDelayMs: 3_000 } });
    await pass(20 * SECOND);
    expect(waits(source)).toEqual([1_000, 2_000, 3_000]);
  });

  test('a source that hangs is requested every 12 s', async () => {
    const source = fakeSource(never);
    showWidget({ source });
    await pass(40 * SECOND);
    expect(waits(source)).toEqual([12_000, 12_000]);
  });

  const at = (ms: number): string => new Date(Date.now() + ms).toUTCString();
  const named: readonly (readonly [name: string, retryAfter: () => string, waitMs: number])[] = [
    ['seconds', () => '5', 5_000],
    ['a date', () => at(5_000), 5_000],
    ['less than the backoff', () => '1', 2_000],
    ['a date that is over', () => at(-MINUTE), 2_000],
    ['junk', () => 'soon', 2_000],
    ['a negative number', () => '-5', 2_000],
    ['nothing', () => '', 2_000],
    ['exactly the most that is waited for', () => '60', 60_000],
  ];
  test.for(named)('a 429 waits as long as it says: %s', async ([, retryAfter, waitMs]) => {
    const source = fakeSource(status(429, { 'Retry-After': retryAfter() }));
    const page = showWidget({ source });
    await pass();
    expect(page.view).toMatchObject({ status: 'pending', retryAtMs: Date.now() + waitMs });
    expect(page.view.error?.code).toBe('rate_limited');
    source.answer = issuing();
    await pass(waitMs - 1);
    expect(source.requests).toHaveLength(1);
    await pass(1);
    expect(page.view).toMatchObject({ status: 'success', error: null, retryAtMs: undefined });
  });

  test('maxRetryAfterMs limits how long a Retry-After can delay the next attempt', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '6' }));
    const page = showWidget({ source, retry: { maxRetryAfterMs: 5_000 } });
    await pass();
    expect(page.view.status).toBe('error');
    expect(page.view.error?.retryAtMs).toBe(Date.now() + 6_000);
  });
});

describe('what a source throws', () => {
  const own = new GuestTokenError('rejected', 'Not you.', { hint: 'Ask at the desk.' });
  const cases: readonly (readonly [
    name: string,
    thrown: () => unknown,
    code: string,
    requests: number,
  ])[] = [
    ['a network failure', () => new TypeError('Failed to fetch'), 'unreachable', 3],
    ['408', () => new Response(null, { status: 408 }), 'timed_out', 3],
    ['500', () => new Response(null, { status: 500 }), 'unavailable', 3],
    ['502', () => new Response(null, { status: 502 }), 'unavailable', 3],
    ['503', () => new Response(null, { status: 503 }), 'unavailable', 3],
    ['504', () => new Response(null, { status: 504 }), 'unavailable', 3],
    ['501', () => new Response(null, { status: 501 }), 'unavailable', 1],
    ['400', () => new Response(null, { status: 400 }), 'rejected', 1],
    ['404', () => new Response(null, { status: 404 }), 'rejected', 1],
    ['422', () => new Response(null, { status: 422 }), 'rejected', 1],
    ['401', () => new Response(null, { status: 401 }), 'unauthorized', 2],
    ['403', () => new Response(null, { status: 403 }), 'forbidden', 2],
    [
      'an error with a status',
      () => Object.assign(new Error('no'), { status: 404 }),
      'rejected',
      1,
    ],
    ['a plain object with a status', () => ({ status: 503 }), 'unavailable', 3],
    ['an error of ours', () => own, 'rejected', 1],
    ['an abort', () => new DOMException('gone', 'AbortError'), 'aborted', 1],
    ['an error', () => new Error('a bug'), 'unavailable', 3],
    ['a string', () => 'a bug', 'unavailable', 3],
    ['nothing', () => undefined, 'unavailable', 3],
  ];

  test.for(cases)('%s', async ([, thrown, code, requests]) => {
    const source = fakeSource(() => {
      throw thrown();
    });
    const page = showWidget({ source });
    await pass(20 * SECOND);
    expect(page.view.status).toBe('error');
    expect(page.view.error?.code).toBe(code);
    expect(source.requests).toHaveLength(requests);
  });

  test('a GuestTokenError thrown by a source passes unchanged', async () => {
    const page = showWidget({
      source: fakeSource(() => {
        throw own;
      }),
    });
    await pass();
    expect(page.view.error).toBe(own);
  });

  test('any other value thrown by a source becomes the error’s cause', async () => {
    const cause = new Error('a bug');
    const page = showWidget({
      source: fakeSource(() => {
        throw cause;
      }),
    });
    await pass(5 * SECOND);
    expect(page.view.error?.cause).toBe(cause);
  });

  test('a source that throws synchronously is handled like one that rejects', async () => {
    const source = Object.assign(
      () => {
        throw new TypeError('Failed to fetch');
      },
      { key: 'sync' },
    );
    const page = showWidget({ source });
    await pass();
    expect(page.view.error?.code).toBe('unreachable');
  });
});

describe('401 and 403 of the source', () => {
  for (const [code, name, hint] of [
    [401, 'unauthorized', /client.?id.*secret/i],
    [403, 'forbidden', /role permission.*scope/i],
  ] as const) {
    test(`a ${code} is retried once at once, then fails as ${name} with a hint that names the fix`, async () => {
      const source = fakeSource(status(code));
      const page = showWidget({ source });
      const got = outcomeOf(page.view.getToken());
      await pass();
      expect(waits(source)).toEqual([0]);
      expect(got.code).toBe(name);
      expect(page.view.error?.hint).toMatch(hint);
      expect(page.view.status).toBe('error');
    });
  }

  test('the retry after a 401 gets the token if the app’s session was renewed meanwhile', async () => {
    const source = fakeSource(status(401));
    const page = showWidget({ source });
    source.answer = () => {
      if (source.requests.length === 1) throw new Response(null, { status: 401 });
      return reply();
    };
    await pass();
    expect(page.view).toMatchObject({ status: 'success', error: null });
  });
});

describe('a source that is a URL', () => {
  test('the default source posts Genesys’ request to /api/guest-token', async () => {
    const server = fakeServer(() => Response.json(reply()));
    const page = showWidget({ attributes: { page: '/pricing' } });
    await pass();
    expect(page.view.status).toBe('success');
    expect(server.calls).toMatchObject([
      { url: `${location.origin}/api/guest-token`, method: 'POST' },
    ]);
    expect(JSON.parse(String(server.calls[0]?.body))).toEqual({
      externalId: 'visitor',
      channelId: 'webchat-default',
      attributes: { page: '/pricing' },
    });
  });

  test('a fresh request to a URL carries Cache-Control: no-cache', async () => {
    const asked: (string | null)[] = [];
    vi.stubGlobal('fetch', async (_input: unknown, init?: RequestInit) => {
      asked.push(new Headers(init?.headers).get('Cache-Control'));
      return Response.json(reply(HOUR));
    });
    const page = showWidget({ source: `${location.origin}/token` });
    await pass(59 * MINUTE);
    page.view.refresh();
    await pass();
    expect(asked).toEqual([null, 'no-cache', 'no-cache']);
  });

  const answers: readonly (readonly [
    name: string,
    answer: () => Response,
    code: string,
    requests: number,
  ])[] = [
    ['a page of HTML', () => new Response('<html>'), 'malformed_reply', 1],
    ['an empty body', () => new Response(null), 'malformed_reply', 1],
    ['503', () => new Response('down', { status: 503 }), 'unavailable', 3],
  ];
  test.for(answers)(
    'a URL that replies with %s is classified',
    async ([, answer, code, requests]) => {
      const server = fakeServer(answer);
      const page = showWidget();
      await pass(20 * SECOND);
      expect(page.view.error?.code).toBe(code);
      expect(server.calls).toHaveLength(requests);
    },
  );
});
