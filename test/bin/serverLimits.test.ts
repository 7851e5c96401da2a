// @vitest-environment node
// What one client can hold of the server, over raw connections.
import { describe, expect, it, vi } from 'vitest';
import { ask, linesOf, testServers } from './serving.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { serve, dial } = testServers();

const requestLine = (host: string, path = '/'): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;

describe('guest-token-broker serve', () => {
  it('closes connections beyond the limit, and says so once', async () => {
    const { broker, url } = await serve({ GUEST_TOKEN_MAX_CONNECTIONS: '2' });
    const kept = [await dial(url), await dial(url)];
    expect(await (await dial(url)).closed).toBe('');
    expect(await (await dial(url)).closed).toBe('');
    await broker.printed(/"event":"refused","reason":"too_many_connections"\}/);
    kept[0]?.socket.destroy();
    await kept[0]?.closed;
    expect((await ask(url)).status).toBe(200);
  });

  it('closes a connection whose headers or body do not come in time', async () => {
    const { broker, url } = await serve({
      GUEST_TOKEN_HEADER_TIMEOUT_MS: '300',
      GUEST_TOKEN_REQUEST_TIMEOUT_MS: '600',
    });
    const [slowHead, slowBody] = [await dial(url), await dial(url)];
    slowHead.socket.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    slowBody.socket.write(`${requestLine('127.0.0.1')}\r\n{`);
    expect(await slowHead.closed).toMatch(/^HTTP\/1\.1 408 /);
    expect(await slowBody.closed).toMatch(/^HTTP\/1\.1 408 /);
    await broker.printed(/"event":"refused","reason":"too_slow"/);
  });

  it('closes a connection that is idle for long', async () => {
    const { url } = await serve({ GUEST_TOKEN_IDLE_TIMEOUT_MS: '200' });
    const idle = await dial(url);
    idle.socket.write(`${requestLine('127.0.0.1')}\r\n{}`);
    await new Promise((resolve) => idle.socket.once('data', resolve));
    const answeredAtMs = performance.now();
    expect(await idle.closed).toMatch(/^HTTP\/1\.1 200 /);
    // Node's own default is 5 s
    expect(performance.now() - answeredAtMs).toBeLessThan(4000);
  });

  it('closes the connection of a request that it refuses before the body is there', async () => {
    const { url } = await serve();
    const head = requestLine('127.0.0.1').replace('Length: 2', 'Length: 99999');
    for (const [refusal, header] of [
      [413, ''],
      [403, 'Origin: https://evil.example\r\n'],
    ]) {
      const connection = await dial(url);
      connection.socket.write(`${head}${header}\r\n{`);
      const answer = await connection.closed;
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${refusal} `));
      expect(answer).toMatch(/\r\nConnection: close\r\n/i);
    }
  });

  it('answers what is no HTTP by 400, and says so', async () => {
    const { broker, url } = await serve();
    const odd = await dial(url);
    odd.socket.write('\x16\x03\x01 hello\r\n\r\n');
    expect(await odd.closed).toMatch(/^HTTP\/1\.1 400 /);
    await broker.printed(/"event":"refused","reason":"bad_request","problem":"HPE_/);
  });

  it.each(['127.0.0.1:99999', 'a b', '[::1', 'x@127.0.0.1', 'shop.example/..'])(
    'answers the Host "%s" by 400, with a log line',
    async (host) => {
      const { broker, url } = await serve();
      const odd = await dial(url);
      odd.socket.write(`${requestLine(host)}\r\n{}`);
      expect(await odd.closed).toMatch(/^HTTP\/1\.1 400 /);
      await broker.printed(/"event":"request"/);
      expect(linesOf(broker)).toContainEqual(
        expect.objectContaining({ event: 'request', status: 400, reason: 'wrong_host', host }),
      );
    },
  );

  it('answers requests for the hosts that are listed, and probes for any', async () => {
    const { broker, url } = await serve({ GUEST_TOKEN_ALLOWED_HOSTS: 'Shop.example, 127.0.0.1' });
    for (const [host, status] of [
      ['shop.example', 200],
      ['shop.example:8443', 200],
      ['evil.example', 400],
    ] as const) {
      const connection = await dial(url);
      connection.socket.write(`${requestLine(host)}Connection: close\r\n\r\n{}`);
      expect(await connection.closed).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    const probe = await dial(url);
    probe.socket.write('GET /healthz HTTP/1.1\r\nHost: 10.0.0.7:8787\r\nConnection: close\r\n\r\n');
    expect(await probe.closed).toMatch(/^HTTP\/1\.1 200 /);
    await broker.printed(/"reason":"wrong_host","host":"evil\.example"/);
  });
});
