// One acquisition, as the source sees it: how often and when it is asked, and what its errors become.
import { describe, expect, test, vi } from 'vitest';
import { endpointTokenSource, GuestTokenError } from '../../src/core/index.ts';
import {
  type FakeSource,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  type Page,
  pass,
  reply,
  SECOND,
  showWidget,
  status,
  withFakeTime,
} from '../react/page.tsx';

withFakeTime();

/** Ms after the first request at which each came. */
function times({ askedAtMs }: FakeSource): number[] {
  const [first = 0] = askedAtMs;
  return askedAtMs.map((at) => at - first);
}

/** Shows a widget until its round is over: 25 s, within the cool-down that follows. */
async function oneRound(
  source: FakeSource,
  props: Parameters<typeof showWidget>[0] = {},
): Promise<Page> {
  const page = showWidget({ source, ...props });
  await pass(25 * SECOND);
  return page;
}

describe('a round', () => {
  test('is three requests, at 0, 2 and 4 s', async () => {
    const source = fakeSource(status(503));
    const page = await oneRound(source);
    expect(times(source)).toEqual([0, 2_000, 4_000]);
    expect(page.view).toMatchObject({
      status: 'error',
      error: { code: 'unavailable', status: 503 },
    });
  });

  test('waits up to a quarter longer each time', async () => {
    vi.mocked(Math.random).mockReturnValue(0.999_999);
    const source = fakeSource(status(503));
    await oneRound(source);
    const [, second = 0, third = 0] = times(source);
    expect([second, third - second]).toEqual([
      expect.closeTo(2_500, -1),
      expect.closeTo(2_500, -1),
    ]);
  });

  test('has the attempts and waits that are set', async () => {
    const source = fakeSource(status(503));
    await oneRound(source, { retry: { attempts: 4, minDelayMs: 100, maxDelayMs: 1_500 } });
    expect(times(source)).toEqual([0, 1_000, 2_500, 4_000]);
  });

  test('ends with the first answer', async () => {
    const source = fakeSource(status(503));
    const page = showWidget({ source });
    await pass(SECOND);
    source.answer = issuing();
    await pass(SECOND);
    expect(page.view).toMatchObject({ status: 'success', error: null });
    expect(page.events.map(({ type }) => type)).toEqual([
      'acquiring',
      'retrying',
      'acquiring',
      'acquired',
    ]);
  });

  test.each([
    ['attempts', { attempts: 0 }],
    ['minDelayMs', { minDelayMs: -1 }],
    ['maxDelayMs', { maxDelayMs: Number.NaN }],
    ['maxRetryAfterMs', { maxRetryAfterMs: Number.POSITIVE_INFINITY }],
  ])('that can not work throws where it is set, and names retry.%s', (name, retry) => {
    const silence = vi.spyOn(console, 'error').mockReturnValue(); // React tells of it, too
    expect(() => showWidget({ source: fakeSource(), retry })).toThrow(
      expect.objectContaining({
        code: 'misconfigured',
        message: expect.stringContaining(`retry.${name}`),
      }),
    );
    silence.mockRestore();
  });
});

describe('a source that is busy', () => {
  test('is left alone for as long as it asks for', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '20' }));
    const page = showWidget({ source });
    await pass(SECOND);
    expect(page.view).toMatchObject({ retryAtMs: (source.askedAtMs[0] ?? 0) + 20_000 });
    expect(page.view.error?.code).toBe('rate_limited');
    await pass(MINUTE - 2 * SECOND);
    expect(times(source)).toEqual([0, 20_000, 40_000]);
  });

  test('and asks for more than a minute ends the round at once, with a time to count down to', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '300' }));
    const page = await oneRound(source);
    expect(times(source)).toEqual([0]);
    expect(page.view).toMatchObject({
      status: 'error',
      retryAtMs: (source.askedAtMs[0] ?? 0) + 300_000,
    });
    await pass(5 * MINUTE);
    expect(times(source).slice(0, 2)).toEqual([0, 300_000]);
  });

  test('is asked before that by refresh() only, not by coming online or back to the page', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '50' }));
    const page = showWidget({ source });
    await pass(SECOND);
    window.dispatchEvent(new Event('online'));
    document.dispatchEvent(new Event('visibilitychange'));
    await pass(10 * SECOND);
    expect(source.requests).toHaveLength(1);
    source.answer = issuing();
    page.view.refresh();
    await pass();
    expect(page.view.status).toBe('success');
    expect(source.requests).toHaveLength(2);
  });
});

describe.each([
  [401, 'unauthorized', /client id and secret/],
  [403, 'forbidden', /permission.*scope/],
] as const)('a %d from the source', (code, name, hint) => {
  test('is asked about once more at once, and then the error names the fix', async () => {
    const source = fakeSource(status(code));
    const page = await oneRound(source);
    expect(times(source)).toEqual([0, 0]);
    expect(page.view).toMatchObject({ status: 'error' });
    expect(page.view.error?.code).toBe(name);
    expect(page.view.error?.hint).toMatch(hint);
  });

  test('that the second request does not get costs nothing but that', async () => {
    const source = fakeSource(status(code));
    const answers = [status(code), issuing()];
    source.answer = (request, signal) => (answers.shift() ?? issuing())(request, signal);
    const page = await oneRound(source);
    expect(times(source)).toEqual([0, 0]);
    expect(page.view.status).toBe('success');
  });

  test('after time-outs is asked about once more all the same', async () => {
    const answers = [status(503), status(503), status(code), issuing()];
    const source = fakeSource((request, signal) => (answers.shift() ?? issuing())(request, signal));
    const page = await oneRound(source);
    expect(times(source)).toEqual([0, 2_000, 4_000, 4_000]);
    expect(page.view.status).toBe('success');
  });

  test('has the app’s session renewed once, before the request that follows', async () => {
    const log: string[] = [];
    let signedIn = false;
    const source = endpointTokenSource('/token', {
      fetch: async () => {
        log.push('request');
        return signedIn ? Response.json(reply()) : new Response(null, { status: code });
      },
      onUnauthorized: async () => {
        log.push('renewal');
        signedIn = true;
      },
    });
    const page = showWidget({ source });
    await pass();
    expect(log).toEqual(['request', 'renewal', 'request']);
    expect(page.view.status).toBe('success');
  });

  test('has it renewed once only where that does not help', async () => {
    const onUnauthorized = vi.fn();
    const send = vi.fn(async () => new Response(null, { status: code }));
    const page = showWidget({
      source: endpointTokenSource('/token', { fetch: send, onUnauthorized }),
    });
    await pass(25 * SECOND);
    expect(onUnauthorized).toHaveBeenCalledTimes(1);
    expect(send).toHaveBeenCalledTimes(2);
    expect(page.view.error?.code).toBe(name);
  });
});

describe('what a source throws', () => {
  const own = new GuestTokenError('identity_mismatch', 'Not you.', { hint: 'Sign in.' });
  const boom = new Error('boom');
  test.each([
    ['an error of ours', own, 'identity_mismatch', 1],
    ['a Response', new Response('secret', { status: 404 }), 'rejected', 1],
    ['a Response with 408', new Response(null, { status: 408 }), 'timed_out', 3],
    ['a Response with 500', new Response(null, { status: 500 }), 'unavailable', 3],
    ['a Response with 501', new Response(null, { status: 501 }), 'unavailable', 1],
    [
      'an error with a status, as axios has it',
      Object.assign(new Error('x'), { status: 400 }),
      'rejected',
      1,
    ],
    ['an object with a status', { status: 403 }, 'forbidden', 2],
    ['a TypeError, as fetch throws it', new TypeError('Failed to fetch'), 'unreachable', 3],
    ['an abort', new DOMException('x', 'AbortError'), 'aborted', 1],
    ['any error', boom, 'unavailable', 3],
    ['a string', 'boom', 'unavailable', 3],
    ['a number', 42, 'unavailable', 3],
    ['null', null, 'unavailable', 3],
    ['undefined', undefined, 'unavailable', 3],
    ['a symbol', Symbol('boom'), 'unavailable', 3],
    ['a function', () => 'boom', 'unavailable', 3],
    ['an object without prototype', Object.create(null), 'unavailable', 3],
    ['an object with a status of text', { status: '403' }, 'unavailable', 3],
  ])('%s', async (_what, thrown, code, requests) => {
    const caught: unknown[] = [];
    const source = fakeSource(() => {
      throw thrown;
    });
    const page = showWidget({ source });
    page.view.getToken().catch((error: unknown) => caught.push(error));
    await pass(25 * SECOND);
    expect(source.requests).toHaveLength(requests);
    expect(caught).toEqual([expect.objectContaining({ name: 'GuestTokenError', code })]);
    expect(page.view.token).toBeUndefined();
  });

  test('an error of ours reaches the caller as it is', async () => {
    const page = await oneRound(fakeSource(() => Promise.reject(own)));
    expect(page.view.error).toBe(own);
  });

  test('any other error is kept as the cause', async () => {
    const page = await oneRound(fakeSource(() => Promise.reject(boom)));
    expect(page.view.error?.cause).toBe(boom);
  });

  test('before it ever returned a promise counts the same', async () => {
    const source = Object.assign(
      () => {
        throw new TypeError('Failed to fetch');
      },
      { key: 'sync' },
    );
    const page = showWidget({ source });
    await pass(25 * SECOND);
    expect(page.view.error?.code).toBe('unreachable');
  });
});

test('a source that hangs is given up three times, each after 10 s', async () => {
  const source = fakeSource(() => new Promise(() => undefined));
  const page = showWidget({ source });
  await pass(34 * SECOND);
  expect(times(source)).toEqual([0, 12_000, 24_000]);
  expect(page.view).toMatchObject({ status: 'error', error: { code: 'timed_out' } });
});

describe('no session asks more than ten times a minute', () => {
  test('however often refresh() is called: then it is rate_limited, with a time', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source });
    await pass();
    const startedAtMs = Date.now();
    const codes: unknown[] = [];
    for (let n = 0; n < 30; n++) {
      page.view.refresh().catch((error) => codes.push([error.code, error.retryAtMs]));
      await pass(SECOND);
    }
    expect(source.requests).toHaveLength(10);
    expect(new Set(codes.map(String))).toEqual(new Set([`rate_limited,${startedAtMs + MINUTE}`]));
    expect(page.view.status).toBe('success');
  });

  test('not by tokens that live for seconds either', async () => {
    const source = fakeSource(issuing(2 * SECOND));
    const page = showWidget({ source });
    vi.spyOn(console, 'warn').mockReturnValue();
    await pass(10 * MINUTE);
    for (const at of source.askedAtMs) {
      const within = source.askedAtMs.filter((other) => other >= at && other < at + MINUTE);
      expect(within.length).toBeLessThanOrEqual(10);
    }
    page.unmount();
  });
});
