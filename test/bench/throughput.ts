import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createLoad, type Load } from './load.ts';

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url));

const CONNECTIONS = 32;
const ROUNDS = 7;
const ROUND_MS = 1_000;

/** What a browser posts. */
const BODY = JSON.stringify({
  externalId: 'ada',
  channelId: 'webchat-default',
  attributes: { page: '/pricing', language: 'en' },
});

export interface Throughput {
  readonly name: string;
  readonly perSecond: number;
  /** Of the server's process, user and system, for one request. */
  readonly cpuMicroseconds: number;
  /** Of the first server's rate, round by round. */
  readonly ratio: number;
}

interface Runner {
  readonly name: string;
  readonly child: ChildProcess;
  readonly load: Load;
  readonly rates: number[];
  readonly costs: number[];
}

/**
 * Requests a second of servers in processes of their own. They take turns, round by round, so that
 * whatever else the machine does strikes all alike; medians.
 *
 * @param servers names, and the arguments of `server.ts`; the first one is what the others are compared with
 */
export async function measureThroughput(
  servers: Readonly<Record<string, readonly string[]>>,
): Promise<Throughput[]> {
  const runners = await Promise.all(
    Object.entries(servers).map(([name, args]) => startRunner(name, args)),
  );
  try {
    // first the compiler's turn
    for (const { load } of runners) await load.run(2 * ROUND_MS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const runner of runners) await measure(runner);
    }
  } finally {
    for (const { load, child } of runners) {
      load.close();
      child.kill();
    }
  }
  const [first] = runners;
  return runners.map(({ name, rates, costs }) => ({
    name,
    perSecond: median(rates),
    cpuMicroseconds: median(costs),
    ratio: median(rates.map((rate, round) => rate / (first?.rates[round] ?? Number.NaN))),
  }));
}

async function startRunner(name: string, args: readonly string[]): Promise<Runner> {
  const child = fork(SERVER, args);
  const { url } = await told<{ url: string }>(child);
  const load = await createLoad(`${url}/api/guest-token`, {
    body: BODY,
    connections: CONNECTIONS,
    expected: 200,
  });
  return { name, child, load, rates: [], costs: [] };
}

async function measure({ child, load, rates, costs }: Runner): Promise<void> {
  const before = await cpuMicroseconds(child);
  const rate = await load.run(ROUND_MS);
  rates.push(rate);
  costs.push(((await cpuMicroseconds(child)) - before) / (rate * (ROUND_MS / 1000)));
}

async function cpuMicroseconds(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const { cpu } = await told<{ cpu: NodeJS.CpuUsage }>(child);
  return cpu.user + cpu.system;
}

/** The next thing that `server.ts` says. */
async function told<Message>(child: ChildProcess): Promise<Message> {
  const [message] = await once(child, 'message');
  return message;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
