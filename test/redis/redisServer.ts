// A real Redis for tests: one that they start, or the one that REDIS_URL names.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';

const named = process.env.REDIS_URL;

/** Whether this machine can start a Redis of its own, that a test may stop and kill. */
export const canStartRedis = spawnSync('redis-server', ['--version']).status === 0;

export const hasRedis = canStartRedis || Boolean(named);

export interface RedisServer {
  readonly url: string;
  /** The process goes on living and answers nobody; until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it as a power cut would, and forgets what it held. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and empty. */
  restart(): Promise<void>;
  /** Ends it and leaves nothing behind. */
  close(): Promise<void>;
}

/** Starts a Redis on a free port of this machine, in a temporary folder. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'guest-token-redis-'));
  let child = await launch(port, folder);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill,
    async restart() {
      await kill();
      child = await launch(port, folder);
    },
    async close() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The one that REDIS_URL names, else one that ends with `close`. */
export async function anyRedis(): Promise<Pick<RedisServer, 'url' | 'close'>> {
  return named ? { url: named, close: async () => undefined } : startRedis();
}

export type TestClient = ReturnType<typeof newClient>;

/** A client as an application makes it. */
function newClient(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: 20 } });
  // or else the process ends with the connection
  return client.on('error', () => undefined);
}

export async function connect(url: string): Promise<TestClient> {
  return newClient(url).connect();
}

function launch(port: number, folder: string): Promise<ChildProcess> {
  const nothingKept = ['--save', '', '--appendonly', 'no', '--dir', folder];
  const where = ['--bind', '127.0.0.1', '--port', String(port)];
  const child = spawn('redis-server', [...where, ...nothingKept]);
  // also when this process ends before its time
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (/Ready to accept connections/.test(printed)) resolve(child);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${printed}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
