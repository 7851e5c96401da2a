// @vitest-environment node
import { once } from 'node:events';
import express from 'express';
import { NodeRequest, sendNodeResponse } from 'srvx/node';
import { describe, expect, it, vi } from 'vitest';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { ask, authorize, openShop, problem, reply, without } from './shop.ts';

const OTHER = 'https://blog.example';

describe('form of a request', () => {
  const { broker, sandbox } = openShop();

  it('a GET is told that tokens are asked for by POST', async () => {
    const response = await broker(ask({ method: 'GET' }));
    expect(response.headers.get('Allow')).toBe('POST, OPTIONS');
    expect(await problem(response)).toMatchObject({ status: 405, code: 'rejected' });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    // a problem document is an answer, and no type that a page can send without a preflight may pass
    'application/problem+json',
    'application/jsonp',
    'text/plain; application/json',
  ])('%s is no JSON', async (type) => {
    const refused = broker(ask({ headers: { 'Content-Type': type } }));
    expect(await problem(refused)).toMatchObject({ status: 415, code: 'rejected' });
  });

  it('a request without a content type is refused', async () => {
    const refused = broker(without(ask(), 'Content-Type'));
    expect(await problem(refused)).toMatchObject({ status: 415 });
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON ;charset=x'])(
    '%s is JSON',
    async (type) => {
      await reply(broker(ask({ headers: { 'Content-Type': type } })));
    },
  );

  it.each([
    ['', 'The body is not valid JSON.'],
    ['{"channelId":', 'The body is not valid JSON.'],
    ['null', 'The body is not an object.'],
    ['7', 'The body is not an object.'],
    ['[]', 'The body is not an object.'],
    ['{"channelId":7}', 'The field "channelId" is wrong.'],
    ['{"channelId":null}', 'The field "channelId" is wrong.'],
    ['{"channelId":""}', 'The field "channelId" is wrong.'],
    ['{"channelId":" \\t"}', 'The field "channelId" is wrong.'],
    [JSON.stringify({ channelId: 'x'.repeat(513) }), 'The field "channelId" is wrong.'],
    ['{"externalId":{}}', 'The field "externalId" is wrong.'],
    ['{"attributes":[]}', 'The field "attributes" is wrong.'],
    ['{"attributes":null}', 'The field "attributes" is wrong.'],
    ['{"attributes":"page"}', 'The field "attributes" is wrong.'],
  ])('%.40s is refused, and the refusal names the field', async (body, detail) => {
    expect(await problem(broker(ask({ body })))).toMatchObject({ status: 400, detail });
  });

  it('attributes that are nested thousands deep are refused, and no reason to leave Genesys alone', async () => {
    const body = `{"attributes":{"a":${'['.repeat(7000)}${']'.repeat(7000)}}}`;
    for (let time = 0; time < 6; time++) {
      expect(await problem(broker(ask({ user: `eve ${time}`, body })))).toMatchObject({
        status: 400,
        detail: 'The field "attributes" is wrong.',
      });
    }
    await reply(broker(ask({ user: 'bob' })));
  });

  it('a field that we do not know is no reason to refuse, and goes nowhere', async () => {
    const sent = '{"secret":"x","__proto__":{"a":1}}';
    await reply(broker(ask({ user: 'carol', body: sent })));
    const { body } = sandbox.requests.at(-1) ?? {};
    expect(body).toEqual({ channelId: 'webchat-default', externalId: 'carol', attributes: {} });
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    'an attribute named %s is refused by name, at any depth',
    async (name) => {
      for (const attributes of [`{"${name}":1}`, `{"deep":[{"${name}":{}}]}`]) {
        const refused = await problem(broker(ask({ body: `{"attributes":${attributes}}` })));
        expect(refused).toMatchObject({ status: 400, reason: 'invalid_field' });
        expect(refused.detail).toContain(`"${name}"`);
      }
    },
  );

  it('an id that differs by a blank is another id', async () => {
    const refused = broker(ask({ user: 'ada', body: { externalId: 'ada ' } }));
    expect(await problem(refused)).toMatchObject({ code: 'identity_mismatch' });
    await reply(broker(ask({ user: ' ada', body: { externalId: ' ada' } })));
  });
});

describe('length of a body', () => {
  const { broker } = openShop();
  const long = (bytes: number): string => {
    const empty = JSON.stringify({ attributes: { page: '' } });
    return JSON.stringify({ attributes: { page: 'x'.repeat(bytes - empty.length) } });
  };

  it('16 KiB are read', async () => {
    await reply(broker(ask({ body: long(16_384) })));
  });

  it('one byte more is refused', async () => {
    expect(await problem(broker(ask({ body: long(16_385) })))).toMatchObject({ status: 413 });
  });

  it('counts bytes, not characters', async () => {
    const body = JSON.stringify({ attributes: { page: '€'.repeat(6_000) } });
    expect(await problem(broker(ask({ body })))).toMatchObject({ status: 413 });
  });

  it('a Content-Length that is too long is refused without reading', async () => {
    const request = ask({ headers: { 'Content-Length': '20000' } });
    expect(await problem(broker(request))).toMatchObject({ status: 413 });
    expect(request.bodyUsed).toBe(false);
  });

  /** 1 MB of blanks, and how much of it was read. */
  function megabyte(): { body: ReadableStream<Uint8Array>; read: () => number } {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 4096;
        if (sent > 1_000_000) controller.close();
        else controller.enqueue(new Uint8Array(4096).fill(0x20));
      },
    });
    return { body, read: () => sent };
  }

  it.each([undefined, '-1', 'NaN', '0', ''])(
    'with a Content-Length of %s, 1 MB is read no further than it must be',
    async (length) => {
      const { body, read } = megabyte();
      const headers = length === undefined ? {} : { 'Content-Length': length };
      expect(await problem(broker(ask({ body, headers })))).toMatchObject({ status: 413 });
      expect(read()).toBeLessThan(32_768);
    },
  );

  it.each(['10', '16384', '1e3'])(
    'a Content-Length of %s does not let 1 MB pass',
    async (length) => {
      const headers = { 'Content-Length': length };
      const refused = broker(ask({ body: megabyte().body, headers }));
      expect(await problem(refused)).toMatchObject({ status: 413 });
      const wide = JSON.stringify({ attributes: { page: '€'.repeat(6_000) } });
      expect(await problem(broker(ask({ body: wide, headers })))).toMatchObject({ status: 413 });
    },
  );

  it('characters that are split between two chunks arrive whole', async () => {
    const { broker: other, sandbox } = openShop();
    const bytes = new TextEncoder().encode(JSON.stringify({ attributes: { page: '/größe-€-😀' } }));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    await reply(other(ask({ body })));
    expect(sandbox.requests.at(-1)?.body).toMatchObject({ attributes: { page: '/größe-€-😀' } });
  });

  it('a body that stalls is given up after 10 s', async () => {
    vi.useFakeTimers();
    try {
      for (const headers of [{}, { 'Content-Length': '10' }]) {
        const answer = broker(ask({ body: new ReadableStream(), headers }));
        await vi.advanceTimersByTimeAsync(10_000);
        expect(await problem(answer)).toMatchObject({ status: 408, code: 'timed_out' });
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it('a body that breaks off is refused', async () => {
    const body = new ReadableStream({
      start: (controller) => controller.error(new TypeError('hunter2')),
    });
    const refused = await problem(broker(ask({ body })));
    expect(refused).toMatchObject({ status: 400, detail: 'The body broke off.' });
  });

  it('a framework that has read the body first is told so', async () => {
    const request = ask();
    await request.text();
    expect(await problem(broker(request))).toMatchObject({
      status: 500,
      code: 'misconfigured',
      detail: expect.stringContaining('before anything else has read its body'),
    });
  });
});

describe('a body parser before the broker', () => {
  it('is named as the reason, over real HTTP and with Express', async () => {
    const { broker } = openShop();
    const app = express();
    app.use(express.json());
    app.all('/', async (req, res) => {
      await sendNodeResponse(res, await broker(new NodeRequest({ req, res })));
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      const refused = await problem(
        fetch(`http://127.0.0.1:${port}/`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'X-User': 'ada' },
          body: '{"attributes":{}}',
        }),
      );
      expect(refused).toMatchObject({ status: 500, reason: 'body_already_read' });
      expect(refused.hint).toContain('express.json()');
    } finally {
      server.close();
    }
  });
});

describe('origins', () => {
  const { broker, sandbox } = openShop({ allowedOrigins: [OTHER] });
  /** A browser that tells nothing but Origin, or less. */
  const old = (headers: Record<string, string>): Request =>
    without(ask({ headers }), 'Sec-Fetch-Site');

  it("a page of the broker's own origin gets a token", async () => {
    await reply(broker(ask({ headers: { Origin: 'https://shop.example' } })));
  });

  it.each(['cross-site', 'same-site', 'none'])(
    'Sec-Fetch-Site: %s is foreign, whatever Origin and Host say',
    async (site) => {
      const headers = {
        'Sec-Fetch-Site': site,
        Origin: 'https://shop.example',
        Host: 'shop.example',
      };
      expect(await problem(broker(ask({ headers })))).toMatchObject({
        status: 403,
        code: 'forbidden',
        hint: expect.stringContaining('allowedOrigins'),
      });
    },
  );

  it('behind a TLS proxy the public host counts, not request.url', async () => {
    const url = 'http://10.0.0.7:8787/api/guest-token';
    await reply(broker(ask({ url, headers: { Origin: 'https://shop.example' } })));
    const headers = { Origin: 'https://shop.example', Host: 'shop.example' };
    await reply(broker(without(ask({ url, headers }), 'Sec-Fetch-Site')));
  });

  it('without Sec-Fetch-Site the host of Origin must be that of Host', async () => {
    await reply(broker(old({ Origin: 'https://shop.example' })));
    for (const origin of [
      'https://evil.example',
      'https://shop.example.evil.example',
      'https://shop.example:8443',
      'https://sub.shop.example',
      'null',
      'shop.example',
      '',
    ]) {
      const refused = broker(old({ Origin: origin, Host: 'shop.example' }));
      expect(await problem(refused), origin).toMatchObject({ status: 403 });
    }
  });

  it('who sends no Origin is no page of a browser, and goes on to authorize', async () => {
    await reply(broker(old({})));
    expect(await problem(broker(without(ask({ user: null }), 'Sec-Fetch-Site')))).toMatchObject({
      status: 401,
    });
  });

  it('a foreign origin costs no call to Genesys, and not even a question to authorize', async () => {
    const asked = vi.fn(authorize);
    const shop = openShop({ authorize: asked });
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: OTHER };
    const response = await shop.broker(ask({ headers }));
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(await problem(response)).toMatchObject({ status: 403 });
    expect(asked).not.toHaveBeenCalled();
    expect(shop.sandbox.count()).toBe(0);
  });

  it('a page of an allowed origin can read the answer, Retry-After and Date', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: OTHER };
    const response = await broker(ask({ headers }));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': OTHER,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After, Date',
    });
    await reply(response);
  });

  it('it can read what went wrong, too', async () => {
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 42 }, { times: 1 });
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: OTHER };
    const response = await broker(ask({ user: 'new', headers }));
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(OTHER);
    expect(response.headers.get('Access-Control-Expose-Headers')).toBe('Retry-After, Date');
    expect(await problem(response)).toMatchObject({ status: 429, retryAfter: '42' });
  });

  it('allowed origins may be written with a slash, in capitals or with the default port', async () => {
    const shop = openShop({ allowedOrigins: ['HTTPS://Blog.example:443/'] });
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: OTHER };
    await reply(shop.broker(ask({ headers })));
  });

  it.each(['*', 'blog.example', 'https://blog.example/path', 'null', 'file:///'])(
    'an allowed origin that is none is named at construction: %s',
    (origin) => {
      const issuer = { issue: async () => ({ id: '1', token: 't' }) };
      expect(() => createGuestTokenBroker({ issuer, authorize, allowedOrigins: [origin] })).toThrow(
        /allowedOrigins/,
      );
    },
  );
});

describe('preflight', () => {
  const { broker, sandbox, events } = openShop({ allowedOrigins: [OTHER] });
  const preflight = (origin: string): Request =>
    without(
      ask({
        user: null,
        method: 'OPTIONS',
        headers: {
          'Sec-Fetch-Site': 'cross-site',
          Origin: origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'cache-control,content-type,x-app',
        },
      }),
      'Content-Type',
    );

  it('of an allowed origin is answered, without a visitor or a call', async () => {
    const response = await broker(preflight(OTHER));
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': OTHER,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'cache-control,content-type,x-app',
      vary: 'Origin',
    });
    expect(sandbox.count()).toBe(0);
    expect(events).toEqual([]);
  });

  it('of a foreign origin is refused', async () => {
    const response = await broker(preflight('https://evil.example'));
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(await problem(response)).toMatchObject({ status: 403, code: 'forbidden' });
  });
});
