// @vitest-environment node
// What the log says about the broker's events and about connections, and what is known of the circuit.
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog, type Log } from '../../src/bin/log.ts';
import { createRefusalLog, createWatch } from '../../src/bin/watch.ts';
import type { BrokerEvent } from '../../src/server/events.ts';
import { fakeClocks } from '../server/limits/clock.ts';
import type { LogLine } from './serving.ts';

beforeEach(() => fakeClocks());
afterEach(() => vi.useRealTimers());

function readableLog(): { log: Log; lines(): Promise<LogLine[]> } {
  let text = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const log = createLog('debug', output);
  return {
    log,
    async lines() {
      await log.flush(0);
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    },
  };
}

const failed = (status: number): BrokerEvent => ({
  type: 'failed',
  code: 'unavailable',
  status,
  reason: undefined,
  origin: undefined,
  contextId: undefined,
  thrown: undefined,
});
const opened = (untilMs: number, channelId: string | undefined): BrokerEvent => ({
  type: 'circuit-opened',
  untilMs,
  channelId,
});

describe('an event of the broker', () => {
  it.each<[string, BrokerEvent]>([
    ['error', failed(503)],
    ['info', failed(429)],
    ['info', { type: 'issued', identity: 'a', lifeMs: 1, tookMs: 1 }],
    ['debug', { type: 'pooled', identity: 'a' }],
    ['info', { type: 'limited', limit: 'ip', retryAtMs: 1 }],
    ['warn', { type: 'pool-unavailable', thrown: 'Error' }],
    ['warn', { type: 'address-unknown' }],
    ['warn', opened(1, undefined)],
    ['info', { type: 'circuit-closed', channelId: 'a' }],
  ])('is logged as %s, and counted: %o', async (level, event) => {
    const { log, lines } = readableLog();
    const watch = createWatch(log);
    watch.onEvent(event);
    watch.onEvent(event);
    expect((await lines())[0]).toMatchObject({ level, event: 'broker', type: event.type });
    expect(watch.counts).toEqual({ [event.type]: 2 });
  });
});

describe('the circuit', () => {
  it('is open until its time is over, and while that of any channel is not', () => {
    const watch = createWatch(readableLog().log);
    expect(watch.isCircuitOpen()).toBe(false);
    watch.onEvent(opened(Date.now() + 10_000, 'sales'));
    watch.onEvent(opened(Date.now() + 30_000, undefined));
    vi.advanceTimersByTime(29_000);
    expect(watch.isCircuitOpen()).toBe(true);
    vi.advanceTimersByTime(2_000);
    expect(watch.isCircuitOpen()).toBe(false);
  });

  it('is closed as soon as Genesys works again', () => {
    const watch = createWatch(readableLog().log);
    watch.onEvent(opened(Date.now() + 10_000, 'sales'));
    watch.onEvent({ type: 'circuit-closed', channelId: 'support' });
    expect(watch.isCircuitOpen()).toBe(true);
    watch.onEvent({ type: 'circuit-closed', channelId: 'sales' });
    expect(watch.isCircuitOpen()).toBe(false);
  });
});

it('of many refused connections there is a line at once, and one a second with the number of the others', async () => {
  const { log, lines } = readableLog();
  const logRefused = createRefusalLog(log);
  for (let time = 0; time < 5; time++) logRefused({ reason: 'too_slow', problem: 'ETIMEDOUT' });
  logRefused({ reason: 'bad_request' });
  vi.advanceTimersByTime(1_000);
  logRefused({ reason: 'too_slow' });
  expect((await lines()).map(({ reason, more }) => [reason, more])).toEqual([
    ['too_slow', undefined],
    ['bad_request', undefined],
    ['too_slow', 4],
    ['too_slow', undefined],
  ]);
});
