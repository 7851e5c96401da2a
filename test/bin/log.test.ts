// @vitest-environment node
// What an operator reads: the lines of `serve` about a request, and what becomes of them.
import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { createLog } from '../../src/bin/log.ts';
import { ask, linesOf, testServers } from './serving.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { serve, serveWithGenesys } = testServers();

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe("a request's id", () => {
  it('is the one it comes with, in the answer and in each of its log lines', async () => {
    const { broker, url } = await serve();
    const answers = await Promise.all(
      ['one.42', 'two:43'].map((id) => ask(url, { 'X-Request-Id': id })),
    );
    expect(answers.map(({ headers }) => headers.get('X-Request-Id'))).toEqual(['one.42', 'two:43']);
    await broker.printed(/"requestId":"one\.42","event":"request"/);
    await broker.printed(/"requestId":"two:43","event":"request"/);
    const lines = linesOf(broker).filter(({ event }) => event === 'broker' || event === 'request');
    for (const id of ['one.42', 'two:43']) {
      const events = lines.filter(({ requestId }) => requestId === id).map(({ event }) => event);
      expect(events).toEqual(['broker', 'request']);
    }
  });

  it.each(['', 'a b', `${'x'.repeat(129)}`, '<script>'])(
    'is a new one in place of "%s"',
    async (given) => {
      const { broker, url } = await serve();
      const { headers } = await ask(url, { 'X-Request-Id': given });
      const id = headers.get('X-Request-Id');
      expect(id).toMatch(/^[\da-f-]{36}$/);
      await broker.printed(new RegExp(`"requestId":"${id}","event":"request"`));
    },
  );
});

describe('the trace of a request', () => {
  it("is passed on to Genesys' login and visitor call, for that request alone", async () => {
    const { url, genesys } = await serveWithGenesys();
    await ask(url, { traceparent: TRACE, tracestate: 'shop=1' });
    await ask(url, { traceparent: 'anything else' });
    const sent = genesys.requests.map(({ operation, headers }) => [
      operation,
      headers.get('traceparent'),
      headers.get('tracestate'),
    ]);
    expect(sent).toEqual([
      ['login', TRACE, 'shop=1'],
      ['visitor', TRACE, 'shop=1'],
      ['visitor', null, null],
    ]);
  });
});

describe('a log line', () => {
  it('of a refusal says why, and which origin', async () => {
    const { broker, url } = await serve();
    await ask(url, { Origin: 'https://evil.example' });
    await broker.printed(/"event":"request"/);
    expect(linesOf(broker)).toContainEqual(
      expect.objectContaining({
        level: 'info',
        type: 'failed',
        code: 'forbidden',
        reason: 'foreign_origin',
        origin: 'https://evil.example',
      }),
    );
    expect(broker.output.stdout).not.toContain('"address"');
  });

  it('has the address where that is wanted, and beyond trusted proxies the one they name', async () => {
    const env = { GUEST_TOKEN_LOG_ADDRESS: 'on', GUEST_TOKEN_TRUSTED_PROXIES: '127.0.0.0/8' };
    const { broker, url } = await serve(env);
    await ask(url, { 'X-Forwarded-For': '203.0.113.7' });
    await broker.printed(/"event":"request".*"address":"203\.0\.113\.7"/);
  });

  it('is cut at 4 KiB, and is JSON all the same', async () => {
    const { broker, url } = await serve();
    await fetch(`${url}/${'%0a'.repeat(4000)}`);
    await broker.printed(/"event":"request".*\n/);
    const lines = broker.output.stdout.trim().split('\n');
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4096);
    expect(linesOf(broker)).toHaveLength(lines.length);
  });

  it('is left out below the level that is set', async () => {
    const { broker, url } = await serve({ GUEST_TOKEN_LOG_LEVEL: 'debug' });
    await fetch(`${url}/healthz`);
    await broker.printed(/"level":"debug",.*"path":"\/healthz"/);

    const quiet = await serve();
    await fetch(`${quiet.url}/healthz`);
    await ask(quiet.url);
    await quiet.broker.printed(/"event":"request"/);
    expect(quiet.broker.output.stdout).not.toMatch(/debug|healthz/);
  });
});

describe('a reader of the log', () => {
  it('that is gone costs neither an answer nor the process', async () => {
    const { broker, url } = await serve({ GUEST_TOKEN_DRAIN_MS: '0' });
    broker.child.stdout?.destroy();
    for (let request = 0; request < 5; request++) expect((await ask(url)).status).toBe(200);
    broker.child.kill('SIGTERM');
    expect(await broker.exited).toBe(0);
    expect(broker.output.stderr).toBe('');
  });

  it('that is slow costs lines and no memory, and is told how many', async () => {
    let takeNext = (): void => undefined;
    const taken: string[] = [];
    const slow = new Writable({
      write(chunk, _encoding, done) {
        taken.push(String(chunk));
        takeNext = done;
      },
    });
    const log = createLog('info', slow);
    for (let line = 0; line < 20_000; line++) log.write('info', 'line', { line });
    await log.flush(0);
    expect(slow.writableLength).toBeLessThan(1_100_000);
    log.write('info', 'line', {});
    expect(log.droppedLines).toBeGreaterThan(1000);

    while (slow.writableLength > 0) takeNext();
    log.write('info', 'after', {});
    await log.flush(0);
    const lines = taken.join('').trim().split('\n');
    expect(JSON.parse(lines.at(-2) ?? '')).toMatchObject({
      level: 'warn',
      event: 'log-dropped',
      lines: log.droppedLines,
    });
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ event: 'after' });
  });
});
