// How long a source may take, who may end it, and what follows a 401.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type EndpointTokenSourceOptions,
  endpointTokenSource,
  type GuestTokenSourceContext,
  shouldRetry,
} from '../../src/core/index.ts';

const ASKED = { externalId: 'customer-42', channelId: 'support', attributes: {}, fresh: false };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Asks a source whose fetch is this one; tells how it went so far. */
function ask(
  send: (request: Request) => Promise<Response>,
  options: EndpointTokenSourceOptions = {},
  context: Partial<GuestTokenSourceContext> = {},
  url = 'https://shop.example/token',
) {
  const asked: { request?: Request; outcome: unknown } = { outcome: 'waiting' };
  const source = endpointTokenSource(url, {
    fetch: (input, init) => {
      asked.request = new Request(input, init);
      return send(asked.request);
    },
    ...options,
  });
  source(ASKED, { signal: new AbortController().signal, ...context }).then(
    (reply) => {
      asked.outcome = reply;
    },
    (error: unknown) => {
      asked.outcome = error;
    },
  );
  return asked;
}

const never = (): Promise<Response> => new Promise(() => undefined);
const refusing = (status: number) => async (): Promise<Response> => new Response(null, { status });
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe('an endpoint that does not answer', () => {
  test('is given up after 10 s, and its request is aborted', async () => {
    const asked = ask(never);
    await settle(9_999);
    expect(asked.outcome).toBe('waiting');
    expect(asked.request?.signal.aborted).toBe(false);
    await settle(1);
    expect(asked.outcome).toMatchObject({ code: 'timed_out', retryable: true });
    expect(asked.request?.signal.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is given up after timeoutMs', async () => {
    const asked = ask(never, { timeoutMs: 250 });
    await settle(249);
    expect(asked.outcome).toBe('waiting');
    await settle(1);
    expect(asked.outcome).toMatchObject({ code: 'timed_out' });
  });

  test.each([2 ** 31, 1e12, Number.MAX_VALUE])(
    'is not given up at once with a timeoutMs of %d, which no timer can hold',
    async (timeoutMs) => {
      const asked = ask(never, { timeoutMs });
      await settle(86_400_000);
      expect(asked.outcome).toBe('waiting');
    },
  );

  test('is given up where the platform has no AbortSignal.any', async () => {
    vi.stubGlobal('AbortSignal', Object.assign(class extends AbortSignal {}, { any: undefined }));
    const asked = ask(never);
    await settle(10_000);
    expect(asked.outcome).toMatchObject({ code: 'timed_out' });
  });

  test('is given up if only its body hangs', async () => {
    const body = new ReadableStream({ start: (stream) => stream.enqueue(Uint8Array.of(123)) });
    const asked = ask(async () => new Response(body));
    await settle(10_000);
    expect(asked.outcome).toMatchObject({ code: 'timed_out' });
  });

  test('is given up if the headers function hangs', async () => {
    const asked = ask(never, { headers: () => new Promise(() => undefined) });
    await settle(10_000);
    expect(asked.outcome).toMatchObject({ code: 'timed_out' });
    expect(asked.request).toBeUndefined();
  });

  test('is named in the error, without query, fragment or password', async () => {
    const url = 'https://ann:s3cret@shop.example/token?key=s3cret#s3cret';
    const send = never as typeof fetch;
    const source = endpointTokenSource(url, { fetch: send });
    let failure: unknown;
    source(ASKED, { signal: new AbortController().signal }).catch((error: unknown) => {
      failure = error;
    });
    await settle(10_000);
    expect(failure).toMatchObject({
      message: expect.stringContaining('https://shop.example/token'),
    });
    expect(inspect(failure, { showHidden: true, depth: null })).not.toContain('s3cret');
  });
});

describe('a caller who gives up', () => {
  test('ends the request at once, with the reason as fetch does', async () => {
    const caller = new AbortController();
    const asked = ask(never, {}, { signal: caller.signal });
    await settle(1_000);
    caller.abort();
    await settle();
    expect(asked.outcome).toMatchObject({ name: 'AbortError' });
    expect(asked.request?.signal.aborted).toBe(true);
  });

  test('leaves no timer behind, even if the endpoint ignores the abort', async () => {
    const caller = new AbortController();
    ask(never, {}, { signal: caller.signal });
    await settle(1_000);
    caller.abort();
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('before it began sends nothing', async () => {
    const asked = ask(never, {}, { signal: AbortSignal.abort() });
    await settle();
    expect(asked.outcome).toMatchObject({ name: 'AbortError' });
    expect(asked.request).toBeUndefined();
  });

  test('after the answer changes nothing', async () => {
    const caller = new AbortController();
    const reply = { id: 'a', token: 't', expires_in: 60 };
    const asked = ask(async () => Response.json(reply), {}, { signal: caller.signal });
    await settle();
    caller.abort();
    await settle();
    expect(asked.outcome).toEqual(reply);
  });
});

describe('after a 401 or 403', () => {
  test.each([401, 403])(
    '%d: onUnauthorized is waited for, then the error says to ask once more',
    async (status) => {
      let renewed: () => void = () => undefined;
      const onUnauthorized = vi.fn(() => new Promise<void>((resolve) => (renewed = resolve)));
      const asked = ask(refusing(status), { onUnauthorized });
      await settle(500);
      expect(onUnauthorized).toHaveBeenCalledTimes(1);
      expect(asked.outcome).toBe('waiting');
      renewed();
      await settle();
      expect(asked.outcome).toMatchObject({ status });
      expect([0, 1].map((n) => shouldRetry(n, asked.outcome))).toEqual([true, false]);
    },
  );

  test('the request that follows a refusal does not call it again', async () => {
    const onUnauthorized = vi.fn();
    const asked = ask(refusing(401), { onUnauthorized }, { refused: true });
    await settle();
    expect(asked.outcome).toMatchObject({ code: 'unauthorized' });
    expect(onUnauthorized).not.toHaveBeenCalled();
  });

  test.each([400, 404, 429, 500, 503])('after a %d it is not called', async (status) => {
    const onUnauthorized = vi.fn();
    ask(refusing(status), { onUnauthorized });
    await settle();
    expect(onUnauthorized).not.toHaveBeenCalled();
  });

  test('a renewal that hangs is given up with the attempt', async () => {
    const asked = ask(refusing(401), { onUnauthorized: () => new Promise(() => undefined) });
    await settle(10_000);
    expect(asked.outcome).toMatchObject({ code: 'timed_out' });
  });

  test('a renewal that fails leaves the refusal as it is', async () => {
    const onUnauthorized = vi.fn(() => Promise.reject(new Error('The sign-in is over.')));
    const asked = ask(refusing(401), { onUnauthorized });
    await settle();
    expect(asked.outcome).toMatchObject({ code: 'unauthorized', status: 401 });
  });
});

describe('an invalid option throws at construction, and the error names it', () => {
  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '10' as never])(
    'timeoutMs: %j',
    (timeoutMs) => {
      expect(() => endpointTokenSource('/token', { timeoutMs })).toThrow(
        expect.objectContaining({
          code: 'misconfigured',
          message: expect.stringContaining('"timeoutMs"'),
        }),
      );
    },
  );

  test('an empty URL', () => {
    expect(() => endpointTokenSource('')).toThrow(
      expect.objectContaining({
        code: 'misconfigured',
        message: expect.stringContaining('"source"'),
      }),
    );
  });
});
