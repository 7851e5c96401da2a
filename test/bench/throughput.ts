import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { visitorCookie } from './cookie.ts';
import { measureRate } from './load.ts';

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url));

/** So many that the server always has work: with fewer it is the waking up of both ends that counts. */
const CONNECTIONS = 256;
const ROUNDS = 48;
const ROUND_MS = 150;
/** After so many the compiler has done its work, however slow the machine is. */
const WARM_UP_REQUESTS = 15_000;

/** What a browser posts. */
const BODY = JSON.stringify({
  externalId: 'ada',
  channelId: 'webchat-default',
  attributes: { page: '/pricing', language: 'en' },
});

/** Sent to all of them, whether or not they look at it. */
const cookie = await visitorCookie();

export interface Throughput {
  readonly name: string;
  readonly baseline: string;
  readonly perSecond: number;
  /** Of the server's process, user and system, for one request. */
  readonly cpuMicroseconds: number;
  /** Of its baseline's rate, round by round. */
  readonly ratio: number;
}

interface Runner extends Contestant {
  readonly child: ChildProcess;
  readonly url: string;
  readonly rates: number[];
  readonly costs: number[];
}

export interface Contestant {
  readonly name: string;
  /** Of `server.ts`. */
  readonly args: readonly string[];
  /** The name of the one that it is compared with. */
  readonly baseline: string;
}

/**
 * Requests a second of servers in processes of their own. They take turns, round by round, so that
 * whatever else the machine does strikes all alike; medians.
 */
export async function measureThroughput(contestants: readonly Contestant[]): Promise<Throughput[]> {
  const runners = await Promise.all(contestants.map(startRunner));
  try {
    for (const { url } of runners) await warmUp(url);
    for (let round = 0; round < ROUNDS; round++) {
      for (const runner of runners) await measure(runner);
    }
  } finally {
    for (const { child } of runners) child.kill();
  }
  return runners.map(({ name, baseline, rates, costs }) => {
    const base = runners.find((other) => other.name === baseline);
    return {
      name,
      baseline,
      perSecond: median(rates),
      cpuMicroseconds: median(costs),
      ratio: median(rates.map((rate, round) => rate / (base?.rates[round] ?? Number.NaN))),
    };
  });
}

async function startRunner(contestant: Contestant): Promise<Runner> {
  const child = fork(SERVER, contestant.args);
  const { url } = await told<{ url: string }>(child);
  return { ...contestant, child, url: `${url}/api/guest-token`, rates: [], costs: [] };
}

async function warmUp(url: string): Promise<void> {
  const seconds = 0.5;
  for (let answered = 0; answered < WARM_UP_REQUESTS; ) {
    answered += (await load(url, seconds * 1000)) * seconds;
  }
}

function load(url: string, durationMs: number): Promise<number> {
  return measureRate(url, {
    body: BODY,
    cookie,
    connections: CONNECTIONS,
    expected: 200,
    durationMs,
  });
}

async function measure({ child, url, rates, costs }: Runner): Promise<void> {
  const before = await cpuMicroseconds(child);
  const rate = await load(url, ROUND_MS);
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
