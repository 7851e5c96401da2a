// @vitest-environment node
// What the broker yields is handed to whatever runs it: a server, a framework, a service worker's mock.
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/bin/httpServer.ts';
import { ask, openShop, reply } from './shop.ts';

describe('an answer of the broker', () => {
  it.each([
    ['a token', 'ada', 200],
    ['a refusal', null, 401],
  ])('with %s says over HTTP how long it is', async (_, user, status) => {
    const { broker } = openShop();
    const server = await listen({ port: 0, hostname: '127.0.0.1' }, () => broker(ask({ user })));
    try {
      const response = await fetch(server.url, { method: 'POST', body: '{}' });
      const { byteLength } = await response.arrayBuffer();
      expect(response.status).toBe(status);
      expect(response.headers.get('Content-Length')).toBe(String(byteLength));
      expect(response.headers.has('Transfer-Encoding')).toBe(false);
    } finally {
      await server.close();
    }
  });

  it('is a Response for a framework, which may look into it, copy it and add headers', async () => {
    const response = await openShop().broker(ask());
    expect(response).toBeInstanceOf(Response);
    response.headers.set('X-Framework', 'yes');
    const copy = new Response(response.clone().body, response);
    expect(copy.headers.get('X-Framework')).toBe('yes');
    const { token } = await reply(copy);
    expect(await response.json()).toMatchObject({ token });
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toBeInstanceOf(TypeError);
  });

  it('to a preflight has no body', async () => {
    const { broker } = openShop({ allowedOrigins: ['https://www.example'] });
    const preflight = ask({ method: 'OPTIONS', headers: { Origin: 'https://www.example' } });
    const server = await listen({ port: 0, hostname: '127.0.0.1' }, () => broker(preflight));
    try {
      const response = await fetch(server.url, { method: 'OPTIONS' });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe('');
      expect(response.headers.has('Content-Length')).toBe(false);
    } finally {
      await server.close();
    }
  });
});
