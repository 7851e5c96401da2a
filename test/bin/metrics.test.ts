// @vitest-environment node
// What Prometheus reads from `serve`, on a port of its own.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMetrics } from '../../src/bin/metrics.ts';
import { fakeClocks } from '../server/limits/clock.ts';
import { type BrokerProcess, runBroker } from './process.ts';
import { ask, testServers } from './serving.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { serve, serveWithGenesys } = testServers();

const withAdmin = { GUEST_TOKEN_ADMIN_PORT: '0' };

async function adminUrl(broker: BrokerProcess): Promise<string> {
  const [, url = ''] = await broker.printed(/"admin-listening","url":"([^"]+)"/);
  return url;
}

async function metricsOf(broker: BrokerProcess): Promise<Record<string, number>> {
  const response = await fetch(`${await adminUrl(broker)}/metrics`);
  expect(response.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return samplesOf(await response.text());
}

/** The samples, by name and labels as they are written. */
function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => /^\w/.test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^(.*) (\S+)$/.exec(line) ?? [];
      return [name, Number(value)];
    }),
  );
}

describe('/metrics', () => {
  it('counts requests, tokens, calls and logins, and times the calls', async () => {
    const { broker, url, genesys } = await serveWithGenesys(withAdmin);
    const first = await ask(url);
    const cookie = first.headers.getSetCookie()[0]?.replace(/;.*/s, '') ?? '';
    await ask(url, { Cookie: cookie });
    await ask(url, { Origin: 'https://evil.example' });
    genesys.fault('visitor', 'unavailable', { times: 1 });
    await ask(url);

    const metrics = await metricsOf(broker);
    expect(metrics).toMatchObject({
      'guest_token_requests_total{status="200",code="ok"}': 2,
      'guest_token_requests_total{status="403",code="forbidden"}': 1,
      'guest_token_requests_total{status="503",code="unavailable"}': 1,
      'guest_token_tokens_total{source="issued"}': 1,
      'guest_token_tokens_total{source="pooled"}': 1,
      'guest_token_upstream_calls_total{operation="login",status="200"}': 1,
      'guest_token_upstream_calls_total{operation="visitor",status="200"}': 1,
      'guest_token_upstream_calls_total{operation="visitor",status="503"}': 1,
      'guest_token_upstream_call_duration_seconds_count{operation="visitor"}': 2,
      'guest_token_upstream_call_duration_seconds_bucket{le="10",operation="visitor"}': 2,
      'guest_token_logins_total{result="ok"}': 1,
      guest_token_upstream_pace_used: 3,
      guest_token_upstream_pace_limit: 300,
      guest_token_upstream_queue: 0,
      guest_token_circuit_open: 0,
      guest_token_request_duration_seconds_count: 4,
      guest_token_log_lines_dropped: 0,
    });
    expect(metrics.process_cpu_seconds_total).toBeGreaterThan(0);
    expect(metrics.guest_token_redis_up).toBeUndefined();
  });

  it('counts logins that failed, and calls that got no answer', async () => {
    const { broker, url } = await serveWithGenesys({
      ...withAdmin,
      GENESYS_LOGIN_URL: 'http://127.0.0.1:1',
    });
    expect((await ask(url)).status).toBe(502);
    expect(await metricsOf(broker)).toMatchObject({
      'guest_token_upstream_calls_total{operation="login",status="none"}': 1,
      'guest_token_logins_total{result="failed"}': 1,
    });
  });

  it('shows a circuit that is open', async () => {
    const { broker, url, genesys } = await serveWithGenesys(withAdmin);
    genesys.fault('visitor', { kind: 'rate-limited', seconds: 30 }, { times: 1 });
    await ask(url);
    expect(await metricsOf(broker)).toMatchObject({
      guest_token_circuit_open: 1,
      guest_token_circuit_opened_total: 1,
    });
  });

  it('shows calls that wait for their turn', async () => {
    const { broker, url } = await serveWithGenesys({
      ...withAdmin,
      GUEST_TOKEN_UPSTREAM: '2',
      GUEST_TOKEN_MAX_WAIT_MS: '60000',
      GUEST_TOKEN_LOG_LEVEL: 'debug',
    });
    await ask(url); // one call for the login, one for the visitor
    const waiting = ask(url).catch(() => undefined);
    await broker.printed(/"upstream-queue","waiting":1/);
    expect(await metricsOf(broker)).toMatchObject({
      guest_token_upstream_queue: 1,
      guest_token_upstream_pace_used: 2,
      guest_token_upstream_pace_limit: 2,
    });
    broker.child.kill('SIGKILL');
    await waiting;
  });

  it('counts requests that a limit refused', async () => {
    const { broker, url } = await serve({ ...withAdmin, GUEST_TOKEN_PER_IP: '2' });
    for (let request = 0; request < 5; request++) await ask(url);
    expect(await metricsOf(broker)).toMatchObject({
      'guest_token_limited_total{limit="ip"}': 3,
      'guest_token_requests_total{status="429",code="rate_limited"}': 3,
    });
  });

  it('shows a Redis that is away', async () => {
    const { broker, url } = await serve({ ...withAdmin, REDIS_URL: 'redis://127.0.0.1:1' });
    await ask(url);
    const metrics = await metricsOf(broker);
    expect(metrics.guest_token_redis_up).toBe(0);
    expect(metrics.guest_token_pool_failures_total).toBeGreaterThan(0);
  });

  it('counts connections that were refused', async () => {
    const { broker, url } = await serve({ ...withAdmin, GUEST_TOKEN_MAX_CONNECTIONS: '1' });
    const [one, other] = await Promise.allSettled([ask(url), ask(url)]);
    expect([one.status, other.status].sort()).toEqual(['fulfilled', 'rejected']);
    expect(await metricsOf(broker)).toMatchObject({
      'guest_token_connections_refused_total{reason="too_many_connections"}': 1,
    });
  });
});

describe('the metrics of a process', () => {
  afterEach(() => vi.useRealTimers());

  const sources = {
    paceLimit: 300,
    isCircuitOpen: () => false,
    droppedLogLines: () => 7,
    isRedisReady: () => true,
  };

  it('show the log lines that were left out, and a Redis that is there', async () => {
    const { registry } = createMetrics(sources);
    expect(samplesOf(await registry.metrics())).toMatchObject({
      guest_token_log_lines_dropped: 7,
      guest_token_redis_up: 1,
    });
  });

  it('time requests in seconds', async () => {
    const { registry, onRequest } = createMetrics(sources);
    onRequest(200);
    expect(samplesOf(await registry.metrics())).toMatchObject({
      guest_token_request_duration_seconds_sum: 0.2,
      'guest_token_request_duration_seconds_bucket{le="0.1"}': 0,
      'guest_token_request_duration_seconds_bucket{le="0.25"}': 1,
    });
  });

  it('count a call as part of the pace for a minute', async () => {
    fakeClocks({ timers: false });
    const { registry, onEvent } = createMetrics(sources);
    const paceUsed = async (): Promise<number | undefined> =>
      samplesOf(await registry.metrics()).guest_token_upstream_pace_used;
    onEvent({ type: 'upstream-call', operation: 'visitor', status: 200, tookMs: 5 });
    vi.advanceTimersByTime(59_000);
    expect(await paceUsed()).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(await paceUsed()).toBe(0);
  });
});

describe('the admin port', () => {
  it('has the health checks too, and nothing else; the public port has no metrics', async () => {
    const { broker, url } = await serve(withAdmin);
    const admin = await adminUrl(broker);
    expect(new URL(admin).hostname).toBe('127.0.0.1');
    const statuses = await Promise.all(
      [`${admin}/healthz`, `${admin}/readyz`, `${admin}/`, `${url}/metrics`].map(
        async (address) => (await fetch(address)).status,
      ),
    );
    expect(statuses).toEqual([200, 200, 404, 404]);
  });

  it('that is taken is named by its option, and the process exits 1', async () => {
    const { url } = await serve();
    const { code, stderr } = await runBroker(['serve', '--sandbox', '--port', '0'], {
      GUEST_TOKEN_ADMIN_PORT: new URL(url).port,
    });
    expect(stderr).toMatch(/^Can't listen on 127\.0\.0\.1:\d+\. Choose another --admin-port/);
    expect(code).toBe(1);
  });

  it('is not opened unless it is asked for', async () => {
    const { broker, url } = await serve();
    await ask(url);
    expect(broker.output.stdout).not.toContain('admin-listening');
  });
});
