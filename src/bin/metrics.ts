import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import type { BrokerEvent } from '../server/events.ts';
import type { RefusedConnection } from './httpServer.ts';

export interface MetricSources {
  /** Calls to Genesys a minute that are allowed. */
  readonly paceLimit: number;
  readonly isCircuitOpen: () => boolean;
  readonly droppedLogLines: () => number;
  /** Undefined where there is no Redis. */
  readonly isRedisReady: (() => boolean) | undefined;
}

export interface Metrics {
  readonly registry: Registry;
  /** To be told of each event of the broker. */
  onEvent(event: BrokerEvent): void;
  onRequest(durationMs: number): void;
  onRefused(refused: RefusedConnection): void;
}

const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What Prometheus reads. All that is about tokens and Genesys is counted from the broker's events. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const onEvent = countEvents(registers);
  describeState(registers, sources);
  const requestSeconds = new Histogram({
    name: 'guest_token_request_duration_seconds',
    help: 'Time to answer a request, of any path',
    buckets: SECONDS_BUCKETS,
    registers,
  });
  const refused = new Counter({
    name: 'guest_token_connections_refused_total',
    help: 'Connections without an answered request, by reason: too_many_connections, too_slow, bad_request',
    labelNames: ['reason'],
    registers,
  });
  return {
    registry,
    onEvent,
    onRequest: (durationMs) => requestSeconds.observe(durationMs / 1000),
    onRefused: ({ reason }) => refused.inc({ reason }),
  };
}

function countEvents(registers: Registry[]): (event: BrokerEvent) => void {
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `guest_token_${name}`, help, labelNames, registers });
  const requests = counter('requests_total', 'Requests for a token, by HTTP status and code', [
    'status',
    'code',
  ]);
  const tokens = counter('tokens_total', 'Tokens handed out, by source: issued or pooled', [
    'source',
  ]);
  const limited = counter('limited_total', 'Requests over a limit, by limit', ['limit']);
  const circuit = counter('circuit_opened_total', 'How often the circuit to Genesys opened');
  const pool = counter('pool_failures_total', 'Uses of the pool that failed; Redis was away');
  const queue = new Gauge({
    name: 'guest_token_upstream_queue',
    help: 'Calls to Genesys that wait for their turn',
    registers,
  });
  const countCall = countCalls(registers);

  return (event) => {
    switch (event.type) {
      case 'issued':
      case 'pooled':
        tokens.inc({ source: event.type });
        requests.inc({ status: 200, code: 'ok' });
        break;
      case 'failed':
        requests.inc({ status: event.status, code: event.code });
        break;
      case 'upstream-call':
        countCall(event);
        break;
      case 'upstream-queue':
        queue.set(event.waiting);
        break;
      case 'limited':
        limited.inc({ limit: event.limit });
        break;
      case 'circuit-opened':
        circuit.inc();
        break;
      case 'pool-unavailable':
        pool.inc();
        break;
    }
  };
}

type CallEvent = Extract<BrokerEvent, { type: 'upstream-call' }>;

/** A minute, which is what Genesys counts by. */
const PACE_MS = 60_000;

function countCalls(registers: Registry[]): (call: CallEvent) => void {
  const calls = new Counter({
    name: 'guest_token_upstream_calls_total',
    help: 'Calls to Genesys, by operation and HTTP status; "none": no answer came',
    labelNames: ['operation', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'guest_token_upstream_call_duration_seconds',
    help: 'Time until Genesys answered, by operation',
    labelNames: ['operation'],
    buckets: SECONDS_BUCKETS,
    registers,
  });
  const logins = new Counter({
    name: 'guest_token_logins_total',
    help: 'Logins of the OAuth client, by result: ok or failed',
    labelNames: ['result'],
    registers,
  });
  const recent: Deadline[] = [];
  const forget = (): void => {
    while (recent.length > 0 && untilMs(recent[0]) <= 0) recent.shift();
  };
  new Gauge({
    name: 'guest_token_upstream_pace_used',
    help: 'Calls to Genesys of this process within the last minute',
    registers,
    collect() {
      forget();
      this.set(recent.length);
    },
  });

  return ({ operation, status, tookMs }) => {
    forget();
    recent.push(deadlineIn(PACE_MS));
    calls.inc({ operation, status: status ?? 'none' });
    seconds.observe({ operation }, tookMs / 1000);
    if (operation === 'login') logins.inc({ result: status === 200 ? 'ok' : 'failed' });
  };
}

function describeState(registers: Registry[], sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: `guest_token_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  const { paceLimit, isCircuitOpen, droppedLogLines, isRedisReady } = sources;
  gauge(
    'upstream_pace_limit',
    'Calls to Genesys allowed in a minute, over all machines',
    () => paceLimit,
  );
  gauge(
    'circuit_open',
    '1 while Genesys is left alone, for a channel at least, after failures or a 429',
    () => Number(isCircuitOpen()),
  );
  gauge(
    'log_lines_dropped',
    'Log lines that nobody read in time, since the start',
    droppedLogLines,
  );
  if (isRedisReady) gauge('redis_up', '1 while Redis can be used', () => Number(isRedisReady()));
}
