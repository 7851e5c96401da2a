// npm run bench:broker: what the broker promises to operators, measured side by side in one run of
// less than two minutes. Ends with code 1 where a promise is not kept.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { anyRedis, canStartRedis, hasRedis } from '../redis/redisServer.ts';
import { burstOfNewVisitors, oneVisitor } from './crowds.ts';
import { redisBytesPerVisitor } from './redisMemory.ts';
import { measureThroughput } from './throughput.ts';

/** Of a minute of Genesys' counting, wherever it begins, and a little more. */
const BURST_MS = 62_000;

/** Of the bare handler's requests a second. */
const MIN_RATIOS: Record<string, number> = { 'memory pool': 0.85, 'cookie, limits': 0.6 };

const POOL_MAX = 10_000;
const VISITOR_COUNTS = [20_000, 100_000];

const number = (value: number, digits = 0): string =>
  value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });

function show(kept: boolean, text: string): void {
  console.log(`${kept ? 'ok  ' : 'FAIL'}  ${text}`);
  if (!kept) process.exitCode = 1;
}

async function throughput(): Promise<void> {
  console.log('Pool hits over HTTP: the same server, body, answer and headers; medians');
  const redis = hasRedis ? await anyRedis() : undefined;
  const results = await measureThroughput([
    { name: 'bare handler', args: ['bare'], baseline: 'bare handler' },
    { name: 'memory pool', args: ['memory'], baseline: 'bare handler' },
    { name: 'cookie, limits', args: ['deployed'], baseline: 'bare handler' },
    { name: 'with log lines', args: ['logged'], baseline: 'bare handler' },
    ...(redis
      ? [
          { name: 'Redis pool', args: ['redis', redis.url], baseline: 'bare handler' },
          { name: 'all in Redis', args: ['deployed-redis', redis.url], baseline: 'bare handler' },
        ]
      : []),
  ]);
  await redis?.close();
  for (const { name, baseline, perSecond, cpuMicroseconds, ratio } of results) {
    const rate = `${number(perSecond).padStart(7)} requests/s`;
    const cost = `${number(cpuMicroseconds).padStart(3)} µs of CPU each`;
    const line = `${name.padEnd(14)} ${rate}, ${cost}, ${number(ratio, 2)} of "${baseline}"`;
    show(ratio >= (MIN_RATIOS[name] ?? 0), line);
  }
  if (!redis) console.log('      Redis: not measured; install redis-server, or set REDIS_URL.');
}

async function crowd(): Promise<void> {
  console.log('\nOne visitor, 1,000 concurrent requests');
  const { answers, tokens, upstreamCalls } = await oneVisitor(1000);
  show(
    answers === 1000 && tokens === 1 && upstreamCalls === 1,
    `${number(answers)} answers with ${tokens} token, by ${upstreamCalls} upstream call`,
  );
}

async function burst(): Promise<void> {
  const result = await burstOfNewVisitors(5000, BURST_MS);
  const { served, turnedAway, otherAnswers, upstreamCalls, upstreamRefusals, seconds } = result;
  console.log('\n5,000 new visitors at once, Genesys limited to 300 calls a minute');
  console.log(
    `      in ${number(seconds)} s: ${served} served, by ${upstreamCalls} upstream calls`,
  );
  console.log(`      ${number(turnedAway)} times told to come back later (429 with Retry-After)`);
  show(otherAnswers === 0, `${otherAnswers} other answers`);
  show(upstreamRefusals === 0 && served > 0, `${upstreamRefusals} upstream 429s`);
}

async function memory(): Promise<void> {
  const script = fileURLToPath(new URL('memory.ts', import.meta.url));
  const args = [POOL_MAX, ...VISITOR_COUNTS].map(String);
  const child = fork(script, args, { execArgv: ['--expose-gc'] });
  const [heap]: Record<string, number>[] = await once(child, 'message');
  const [early = Number.NaN, late = Number.NaN] = VISITOR_COUNTS.map((count) => heap?.[count]);
  console.log(`\nMemory, with a pool of at most ${number(POOL_MAX)} visitors`);
  const [few, many] = VISITOR_COUNTS.map((count) => number(count));
  show(
    late < 1.2 * early,
    `${number(early, 1)} MB of heap after ${few} visitors, ${number(late, 1)} MB after ${many}`,
  );
}

async function redisMemory(): Promise<void> {
  if (!canStartRedis) return;
  const { visitors, withLimits, withoutLimits } = await redisBytesPerVisitor(5000);
  console.log(`\nRedis, with the encrypted tokens of ${number(visitors)} visitors`);
  console.log(
    `      ${number(withoutLimits)} bytes a visitor, and for a minute ${number(withLimits)}`,
  );
}

await throughput();
await redisMemory();
await crowd();
// The burst is mostly waiting, so that the memory's turn does not disturb it.
await Promise.all([memory(), burst()]);
