// @vitest-environment node
// Two broker processes on one Redis, and Genesys on a port of its own: all of it over real HTTP.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SandboxServer, startSandbox } from '../../src/bin/sandboxServer.ts';
import type { SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { createPoster } from '../bench/post.ts';
import { genesys } from './machines.ts';
import { anyRedis, canStartRedis, hasRedis, startRedis } from './redisServer.ts';

const SCRIPT = fileURLToPath(new URL('brokerProcess.ts', import.meta.url));

/** More than a busy machine needs; what is checked is a count and not a speed. */
const TIMEOUT_MS = 60_000;

let sandbox: SandboxCloud;
let upstream: SandboxServer;
let processes: ChildProcess[];

beforeEach(async () => {
  sandbox = genesys();
  upstream = await startSandbox(sandbox);
  processes = [];
});
afterEach(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await upstream.close();
});

interface BrokerProcess {
  readonly url: string;
  readonly printed: () => string;
}

async function startBrokers(redisUrl: string): Promise<readonly BrokerProcess[]> {
  const { apiUrl: API_URL, loginUrl: LOGIN_URL } = upstream;
  const env = { REDIS_URL: redisUrl, API_URL, LOGIN_URL, PREFIX: `${randomUUID()}:` };
  return Promise.all([startBroker(env), startBroker(env)]);
}

function startBroker(env: Record<string, string>): Promise<BrokerProcess> {
  const child = spawn(process.execPath, [SCRIPT], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  let text = '';
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const [, url] = /listening at (\S+) /.exec(text) ?? [];
      if (url) resolve({ url, printed: () => text });
    });
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}`)));
  });
}

/** All visitors at once, each with `times` requests that take turns between the brokers. */
async function storm(
  brokers: readonly BrokerProcess[],
  { visitors, times }: { visitors: number; times: number },
): Promise<{ statuses: Set<number>; tokensOf: Map<string, Set<string>> }> {
  const poster = createPoster(64);
  const tokensOf = new Map<string, Set<string>>();
  const statuses = new Set<number>();
  const all = Array.from({ length: visitors * times }, async (_, index) => {
    const visitor = `visitor ${Math.floor(index / times)}`;
    const { url = '' } = brokers[index % brokers.length] ?? {};
    const { status, text } = await poster.post(url, '{}', { 'X-Visitor': visitor });
    statuses.add(status);
    const reply: { token?: string } = JSON.parse(text);
    const tokens = tokensOf.get(visitor) ?? new Set();
    tokensOf.set(visitor, tokens.add(reply.token ?? `none, but ${status}`));
  });
  await Promise.all(all).finally(() => poster.close());
  return { statuses, tokensOf };
}

describe('two broker processes on one Redis', () => {
  it.skipIf(!hasRedis)(
    'ask Genesys 500 times for 500 visitors with 20 concurrent requests each',
    async () => {
      const redis = await anyRedis();
      try {
        const brokers = await startBrokers(redis.url);
        const { statuses, tokensOf } = await storm(brokers, { visitors: 500, times: 20 });
        expect(statuses).toEqual(new Set([200]));
        expect(sandbox.count('visitor')).toBe(500);
        expect([...tokensOf.values()].every(({ size }) => size === 1)).toBe(true);
        expect(new Set([...tokensOf.values()].flatMap((tokens) => [...tokens])).size).toBe(500);
        // and no more than one login for each process
        expect(sandbox.count('login')).toBeLessThanOrEqual(2);
      } finally {
        await redis.close();
      }
    },
    TIMEOUT_MS,
  );

  it.skipIf(!canStartRedis)(
    'fail no request when Redis is killed in the middle, and say so',
    async () => {
      const redis = await startRedis();
      try {
        const brokers = await startBrokers(redis.url);
        const under = storm(brokers, { visitors: 300, times: 10 });
        await expect
          .poll(() => sandbox.count('visitor'), { interval: 1, timeout: TIMEOUT_MS })
          .toBeGreaterThan(50);
        await redis.kill();
        expect(sandbox.count('visitor')).toBeLessThan(300);
        expect((await under).statuses).toEqual(new Set([200]));
        for (const { printed } of brokers) {
          await expect.poll(printed, { timeout: TIMEOUT_MS }).toContain('pool-unavailable');
        }
      } finally {
        await redis.close();
      }
    },
    TIMEOUT_MS,
  );
});
