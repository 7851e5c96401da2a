// npm run bench:client: what the client costs, beside others that do the same work, in Node and in
// Chromium. `npm run bench:client -- DIRECTORY` also measures another checkout, as "before".
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright';
import { build } from 'vite';
import { launchOptions } from '../../.ci/browser.ts';
import { median, type Report, type Result } from './client/measure.ts';

const FOLDER = fileURLToPath(new URL('./client', import.meta.url));
const CASES = fileURLToPath(new URL('./client/cases.tsx', import.meta.url));
const IN_NODE = fileURLToPath(new URL('./client/inNode.ts', import.meta.url));
const BUNDLE = join(FOLDER, '.cache/cases.js');
const [other] = process.argv.slice(2);
const SUBJECTS = ['react-guest-token', ...(other ? ['before'] : [])];
const KEPT = 2_000;

interface Goal {
  readonly times?: number;
  readonly of?: string;
  readonly most?: number;
}

/** What some work may cost: so many times a peer's, or µs or bytes of a machine that is not busy. */
const goals: Readonly<Record<string, Goal>> = {
  'getToken in turn': { times: 1.5, of: 'firebase' },
  'fetch, GET': { most: 15 },
  'fetch, GET, 20 origins': { most: 15 },
  'fetch, POST of 100 B': { times: 1, of: 'axios with auth-refresh' },
  'renewal, 1,000 read visitorId': { most: 1_000 },
  'heap of one consumer': { most: 1_600 },
  'server rendering of 1,000': { times: 1.4, of: 'context' },
};

/** One production bundle for Node and Chromium. */
async function bundle(): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    oxc: { jsx: { runtime: 'automatic', development: false } },
    resolve: {
      alias: { 'react-guest-token-before': resolve(other ?? '.', 'src/index.ts') },
      // The other checkout has a React of its own, whose hooks would know nothing of this one's.
      dedupe: ['react', 'react-dom', '@tanstack/react-query'],
    },
    build: {
      outDir: dirname(BUNDLE),
      lib: { entry: CASES, formats: ['es'], fileName: () => 'cases.js' },
      rolldownOptions: { checks: { moduleLevelDirective: false } },
    },
  });
}

async function inNode(where: 'page' | 'server'): Promise<void> {
  const args = ['--expose-gc', IN_NODE, where, ...(other ? ['before'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('[{')) show(JSON.parse(line));
  }
  const [code] = await ended;
  if (code !== 0) process.exitCode = 1;
}

/** A page with the cases in it, in Chromium. */
async function openPage(): Promise<{ page: Page; close(): Promise<void> }> {
  const script = await readFile(BUNDLE, 'utf8');
  const server = createServer(({ url }, response) => {
    const isScript = url === '/cases.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>Benchmark</title>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const browser = await chromium.launch(await launchOptions());
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.addScriptTag({
    type: 'module',
    content: "import * as cases from '/cases.js'; window.cases = cases;",
  });
  await page.waitForFunction(() => 'cases' in window);
  const close = async (): Promise<void> => {
    await browser.close();
    server.close();
  };
  return { page, close };
}

declare global {
  interface Window {
    cases: typeof import('./client/cases.tsx');
    report: Report;
  }
}

async function inChromium(): Promise<void> {
  const { page, close } = await openPage();
  try {
    await page.exposeFunction('report', show);
    await page.evaluate((old) => window.cases.onPage(old, window.report), !!other);
    show(await heapOfConsumers(page));
  } finally {
    await close();
  }
}

/** Bytes for each component that uses a token, beyond those of one that uses none. */
async function heapOfConsumers(page: Page): Promise<Result[]> {
  const debug = await page.context().newCDPSession(page);
  const heap = async (): Promise<number> => {
    await debug.send('HeapProfiler.collectGarbage');
    return (await debug.send('Runtime.getHeapUsage')).usedSize;
  };
  const weights = new Map<string, number[]>();
  for (let round = 0; round < 4; round++) {
    for (const subject of ['nothing', 'context', 'useQuery', ...SUBJECTS]) {
      const before = await heap();
      const crowd = [subject, KEPT, !!other] as const;
      await page.evaluate((args) => window.cases.keep(...args), crowd);
      const bytes = ((await heap()) - before) / KEPT;
      await page.evaluate(() => window.cases.letGo());
      // the first round warms up
      if (round > 0) weights.set(subject, [...(weights.get(subject) ?? []), bytes]);
    }
  }
  const bare = median(weights.get('nothing') ?? []);
  weights.delete('nothing');
  return [...weights].map(([subject, bytes]) => ({
    work: 'heap of one consumer',
    subject,
    cost: median(bytes) - bare,
  }));
}

/** Prints what one work costs. */
function show(rows: readonly Result[]): void {
  for (const { work, subject, cost } of rows) {
    const { times = 1, of, most = Number.POSITIVE_INFINITY } = goals[work] ?? {};
    const limit = of ? times * (rows.find((row) => row.subject === of)?.cost ?? 0) : most;
    const missed = subject === 'react-guest-token' && cost > limit;
    if (missed) process.exitCode = 1;
    const unit = work.startsWith('heap') ? 'B ' : 'µs';
    const figure = cost.toLocaleString('en', { maximumFractionDigits: cost < 10 ? 2 : 0 });
    const goal = missed ? `  over its goal of ${limit.toFixed(limit < 10 ? 2 : 0)}` : '';
    console.log(`${work.padEnd(34)} ${subject.padEnd(24)} ${figure.padStart(9)} ${unit}${goal}`);
  }
}

if (!existsSync(join(FOLDER, 'node_modules'))) {
  execFileSync('npm', ['ci'], { cwd: FOLDER, stdio: 'inherit' });
}
await bundle();
console.log('\nNode');
await inNode('page');
await inNode('server');
console.log('\nChromium');
await inChromium();
