// @vitest-environment node
// What an operator reads: the lines of `serve` about a request, and what becomes of them.
import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { createLog, type Log } from '../../src/bin/log.ts';
import { createRequestHandler } from '../../src/bin/requestHandler.ts';
import { fakeClocks } from '../server/limits/clock.ts';
import { ask, type LogLine, linesOf, testServers } from './serving.ts';

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
    await ask(url, { traceparent: TRACE, tracestate: `shop=${'1'.repeat(600)}` });
    const sent = genesys.requests.map(({ operation, headers }) => [
      operation,
      headers.get('traceparent'),
      headers.get('tracestate'),
    ]);
    expect(sent).toEqual([
      ['login', TRACE, 'shop=1'],
      ['visitor', TRACE, 'shop=1'],
      ['visitor', null, null],
      ['visitor', TRACE, null],
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

  it.each([
    ['a long text', { text: 'x'.repeat(5000) }, { text: `${'x'.repeat(512)}…` }],
    ['too much of anything', { numbers: Array.from({ length: 5000 }, () => 1) }, { isCut: true }],
  ])('with %s is shortened, and keeps its head', async (_, detail, shown) => {
    let text = '';
    const output = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    const log = createLog('info', output);
    log.write('warn', 'odd', detail);
    await log.flush(0);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
    expect(JSON.parse(text)).toEqual({
      time: expect.any(String),
      level: 'warn',
      event: 'odd',
      ...shown,
    });
  });

  it('of an answer that failed is a warning, and of one that crashed says what was thrown', async () => {
    const lines: LogLine[] = [];
    const log: Log = {
      write: (level, event, detail) => void lines.push({ level, event, ...detail }),
      droppedLines: 0,
      flush: async () => undefined,
    };
    const handle = createRequestHandler({
      log,
      allowedHosts: [],
      answer(_request, path) {
        if (path === '/crash') throw new RangeError('a secret');
        return new Response(null, { status: 503 });
      },
    });
    const headers = { Host: 'shop.example' };
    for (const path of ['/', '/crash']) {
      await handle(new Request(`http://shop.example${path}`, { headers }));
    }
    expect(lines).toMatchObject([
      { level: 'warn', event: 'request', status: 503 },
      { level: 'warn', event: 'request', status: 500, reason: 'crashed', thrown: 'RangeError' },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
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

  it('that is gone is written nothing more', async () => {
    let writes = 0;
    const gone = new Writable({
      write(_chunk, _encoding, done) {
        writes++;
        done(Object.assign(new Error('gone'), { code: 'EPIPE' }));
      },
    });
    const log = createLog('info', gone);
    log.write('info', 'first');
    await log.flush(0);
    await new Promise((resolve) => setImmediate(resolve));
    for (let line = 0; line < 10; line++) log.write('info', 'line');
    await log.flush(1_000);
    expect([writes, log.droppedLines]).toEqual([1, 10]);
  });

  it('that never reads does not hold up the end of the process', async () => {
    fakeClocks();
    try {
      const log = createLog('info', new Writable({ write: () => undefined }));
      log.write('info', 'line');
      let isOver = false;
      void log.flush(500).then(() => {
        isOver = true;
      });
      await vi.advanceTimersByTimeAsync(400);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(200);
      expect(isOver).toBe(true);
    } finally {
      vi.useRealTimers();
    }
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
