// @vitest-environment node
// Redis is killed, stopped, or slow: the broker gets slower, not down, and says so.
import { createClient } from 'redis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { genesys, type Machine, machine } from './machines.ts';
import {
  canStartRedis,
  connect,
  type RedisServer,
  startRedis,
  type TestClient,
} from './redisServer.ts';

// Less than a lock lasts (12 s): who waits for one that nobody holds fails here.
vi.setConfig({ testTimeout: 10_000 });

describe.skipIf(!canStartRedis)('while Redis', () => {
  let server: RedisServer;
  let sandbox: SandboxCloud;
  const clients: TestClient[] = [];

  beforeEach(async () => {
    server = await startRedis();
    sandbox = genesys();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await server.close();
  });

  /** A machine with a connection of its own. */
  async function start(options: Parameters<typeof machine>[2] = {}): Promise<Machine> {
    const client = await connect(server.url);
    clients.push(client);
    return machine(sandbox, client, options);
  }

  const outages = (one: Machine): number =>
    one.events.filter(({ type }) => type === 'pool-unavailable').length;

  it('is killed in the middle, no request fails for that reason, and an event says so', async () => {
    const machines = [await start(), await start()];
    const asked = Array.from({ length: 1000 }, (_, index) => `visitor ${index % 200}`);
    sandbox.fault('visitor', { kind: 'slow', delayMs: 20 });
    const answers = asked.map(async (visitor, index) => {
      if (index === 500) await server.kill();
      const answer = await machines[index % 2]?.ask(visitor);
      return answer?.status;
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
    const after = await Promise.all(machines.map(({ ask }) => ask('new visitor')));
    expect(after.map(({ status }) => status)).toEqual([200, 200]);
    expect(machines.map(outages)).not.toContain(0);
  });

  it('is down, each machine goes on handing out the tokens that it knows', async () => {
    const one = await start();
    const known = await one.ask('ada');
    await server.kill();
    const first = await one.ask('bob');
    expect(await one.ask('ada')).toEqual(known);
    expect(await one.ask('bob')).toEqual(first);
    expect(sandbox.count('visitor')).toBe(2);
    expect(outages(one)).toBeGreaterThan(0);
  });

  it('is down, it is said once a second at most, and not for each request', async () => {
    const one = await start();
    await server.kill();
    const startedAtMs = Date.now();
    for (let index = 0; index < 200; index++) await one.ask(`visitor ${index}`);
    const seconds = Math.ceil((Date.now() - startedAtMs) / 1000);
    expect(outages(one)).toBeGreaterThan(0);
    expect(outages(one)).toBeLessThanOrEqual(seconds + 1);
  });

  it('comes back, machines share tokens again', async () => {
    const [one, other] = [await start(), await start()];
    await server.kill();
    expect((await one.ask('ada')).status).toBe(200);
    await server.restart();
    await expect
      .poll(async () => (await one.ask('eve')).token === (await other.ask('eve')).token, {
        timeout: 9_000,
      })
      .toBe(true);
  });

  it('does not answer, requests are served without it', async () => {
    const one = await start();
    const known = await one.ask('ada');
    server.pause();
    expect(await one.ask('ada')).toEqual(known);
    expect((await one.ask('bob')).status).toBe(200);
    expect(sandbox.count('visitor')).toBe(2);
    expect(outages(one)).toBeGreaterThan(0);
  });

  it('stops before a lock is taken and goes on after it, nobody waits for that lock', async () => {
    const client = await connect(server.url);
    clients.push(client);
    const one = machine(
      sandbox,
      {
        get: (key) => client.get(key),
        del: (key) => client.del(key),
        eval: (script, options) => client.eval(script, options),
        set(key, value, options) {
          if (options.NX) server.pause();
          return client.set(key, value, options);
        },
      },
      {},
    );
    expect((await one.ask('ada')).status).toBe(200);
    expect(outages(one)).toBe(1);
    server.resume();
    const other = await start();
    expect((await other.ask('ada')).status).toBe(200);
  });

  it('stops while a lock is held and goes on after it, nobody waits for that lock', async () => {
    const [one, other] = [await start(), await start()];
    sandbox.fault('visitor', { kind: 'slow', delayMs: 600 }, { times: 1 });
    const answer = one.ask('ada');
    await expect.poll(() => sandbox.count('visitor'), { interval: 1, timeout: 9_000 }).toBe(1);
    server.pause();
    // another visitor finds out, so that the answer for Ada is not even tried to be stored
    expect((await one.ask('bob')).status).toBe(200);
    expect((await answer).status).toBe(200);
    server.resume();
    expect((await other.ask('ada')).status).toBe(200);
  });

  it('was never there, requests are served', async () => {
    const client = createClient({ url: server.url });
    const one = machine(sandbox, client, { limits: { redis: client, perVisitor: 2 } });
    const first = await one.ask('ada');
    expect(await one.ask('ada')).toEqual(first);
    expect(first.status).toBe(200);
    expect(outages(one)).toBeGreaterThan(0);
  });

  it.each<['kill' | 'pause']>([['kill'], ['pause']])(
    'is gone (%s), each machine keeps to the limits by itself',
    async (how) => {
      const client = await connect(server.url);
      clients.push(client);
      const limits = { redis: client, perVisitor: 2, upstream: 300 };
      const one = machine(sandbox, client, { limits });
      await server[how]();
      const answers = [await one.ask('ada'), await one.ask('ada'), await one.ask('ada')];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(answers[2]?.retryAfterSeconds).toBeGreaterThan(0);
    },
  );

  it('is gone and back, machines that it knew make no more calls together than the limit', async () => {
    const upstream = 40;
    const machines: Machine[] = [];
    for (let index = 0; index < 4; index++) {
      const client = await connect(server.url);
      clients.push(client);
      machines.push(machine(sandbox, client, { limits: { redis: client, upstream } }));
    }
    const askAll = async (round: string, length: number): Promise<void> => {
      const visitors = Array.from({ length }, (_, index) => `visitor ${round} ${index}`);
      await Promise.all(visitors.map((visitor, index) => machines[index % 4]?.ask(visitor)));
    };
    for (const visitor of ['a first', 'a second']) {
      for (const [index, one] of machines.entries())
        await one.ask(`${visitor} visitor of ${index}`);
    }
    expect(sandbox.count()).toBe(12);
    await server.kill();
    await askAll('without Redis', 8);
    expect(sandbox.count()).toBe(20);
    await server.restart();
    // until it is used again
    await expect
      .poll(() => clients.every((client) => client.isReady), { timeout: 9_000 })
      .toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    // One alone, so that Redis knows of no other.
    const alone = Array.from({ length: 60 }, (_, index) => machines[0]?.ask(`another ${index}`));
    await Promise.all(alone);
    await askAll('with a Redis that has forgotten', 100);
    expect(sandbox.count()).toBe(upstream);
  });

  it('is quick and the process itself busy, that is not held against Redis', async () => {
    const client = await connect(server.url);
    clients.push(client);
    const one = machine(
      sandbox,
      {
        get(key) {
          const reply = client.get(key);
          const endsAtMs = Date.now() + 400;
          while (Date.now() < endsAtMs);
          return reply;
        },
        set: (key, value, options) => client.set(key, value, options),
        del: (key) => client.del(key),
        eval: (script, options) => client.eval(script, options),
      },
      {},
    );
    expect((await one.ask('ada')).status).toBe(200);
    expect(outages(one)).toBe(0);
  });
});
