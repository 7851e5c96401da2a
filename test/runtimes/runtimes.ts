// Starts the server runtimes of .ci/runtimes, each with the built package.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Below the repository, so that Deno and Bun find its node_modules from there. */
const cache = join(root, '.cache');

type Runtime = 'deno' | 'bun' | 'workerd';

export interface RuntimeServer {
  readonly url: string;
  /** What the process has printed, on both streams. */
  printed(): string;
  /** Whether the process is alive. */
  isRunning(): boolean;
  close(): Promise<void>;
}

const entries = {
  deno: new URL('deno.ts', import.meta.url),
  bun: new URL('bun.ts', import.meta.url),
};

/** The entry of a Worker that serves the same. */
export const workerEntry = new URL('worker.ts', import.meta.url);

/** A Worker of workerd: its entry, its variables, and where its requests to the network go. */
export interface Worker {
  readonly entry: URL;
  readonly variables: Readonly<Record<string, string>>;
  /** `host:port` that gets all of them, with the Host header of the URL; default: the network. */
  readonly outbound?: string;
}

/** @throws Error that says what to run, where the runtime is not installed */
function binaryOf(runtime: Runtime): string {
  const { platform, arch } = process;
  const names: Record<Runtime, string> = {
    workerd: `@cloudflare/workerd-${platform}-${arch === 'x64' ? '64' : arch}/bin/workerd`,
    deno: `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}/deno`,
    bun: `@oven/bun-${platform}-${arch === 'arm64' ? 'aarch64' : arch}/bin/bun`,
  };
  const file = join(root, '.ci/runtimes/node_modules', names[runtime]);
  if (existsSync(file)) return file;
  throw new Error(
    `${runtime} is missing (${file}). Run npm run test:runtimes, which installs it; on a platform without that package, the test can't run.`,
  );
}

/** Deno or Bun, with the packages of node_modules and the dist folder as they are. */
export async function startServer(
  runtime: 'deno' | 'bun',
  variables: Readonly<Record<string, string>>,
): Promise<RuntimeServer> {
  const folder = await newFolder();
  const file = await bundle(entries[runtime], folder, 'as published');
  const flags = runtime === 'deno' ? ['run', '--allow-net', '--allow-env', '--no-prompt'] : ['run'];
  const child = spawn(binaryOf(runtime), [...flags, file], {
    cwd: root,
    env: { ...process.env, ...variables, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
  });
  return watch(child, folder, (text) => /listening at (\S+) /.exec(text)?.[1], child.stdout);
}

/** workerd, with everything in one file. */
export async function startWorker({ entry, variables, outbound }: Worker): Promise<RuntimeServer> {
  const folder = await newFolder();
  await bundle(entry, folder, 'in one file');
  const bindings = Object.entries(variables).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  );
  const network = outbound
    ? `external = (address = ${JSON.stringify(outbound)}, http = ())`
    : 'network = (allow = ["private"])';
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker.js", esModule = embed "bundle.js")],
      compatibilityDate = "2026-11-01",
      bindings = [${bindings.join(', ')}],
      globalOutbound = "outbound",
    )),
    (name = "outbound", ${network}),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);
`,
  );
  const child = spawn(
    binaryOf('workerd'),
    ['serve', '--verbose', '--control-fd=3', 'config.capnp'],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
  );
  const control = child.stdio[3];
  if (!control || !('read' in control)) throw new Error('workerd has no control stream.');
  return watch(child, folder, portOf, control);
}

/** workerd tells on its control stream where it listens. */
function portOf(text: string): string | undefined {
  const port = /"port":(\d+)/.exec(text)?.[1];
  return port && `http://127.0.0.1:${port}`;
}

async function newFolder(): Promise<string> {
  await mkdir(cache, { recursive: true });
  return mkdtemp(join(cache, 'runtime-'));
}

/** The package's own name is the dist folder here, and never the source. */
async function bundle(
  entry: URL,
  folder: string,
  how: 'as published' | 'in one file',
): Promise<string> {
  const isPublished = how === 'as published';
  const dist = (name: string): string => join(root, `dist/${name}.js`);
  await build({
    configFile: false,
    logLevel: 'error',
    root,
    resolve: {
      // Without `browser`, lru-cache imports a builtin of Node.
      conditions: ['browser', 'import', 'default'],
      alias: [{ find: /^react-guest-token\/(\w+)$/, replacement: dist('$1') }],
    },
    build: {
      outDir: folder,
      minify: false,
      target: 'es2023',
      lib: { entry: fileURLToPath(entry), formats: ['es'], fileName: () => 'bundle.js' },
      rolldownOptions: {
        external: isPublished ? (id) => id.startsWith(join(root, 'dist')) : [],
      },
    },
  });
  return join(folder, 'bundle.js');
}

function watch(
  child: ChildProcess,
  folder: string,
  urlIn: (text: string) => string | undefined,
  announcements: Readable | null,
): Promise<RuntimeServer> {
  let printed = '';
  let announced = '';
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return new Promise((resolve, reject) => {
    announcements?.setEncoding('utf8').on('data', (text: string) => {
      announced += text;
      const url = urlIn(announced);
      if (url === undefined) return;
      const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
      resolve({ url, printed: () => printed, isRunning, close });
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`The runtime ended with ${code}: ${printed}`)));
  });
}
