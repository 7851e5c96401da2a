// An app in a folder of its own, outside the repository, with the packed package installed.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { inject } from 'vitest';

export interface App {
  readonly folder: string;
  /** Variables that each command gets beside those of this process. */
  readonly env: Record<string, string>;
  /** The app in a folder of this one. */
  at(name: string): App;
  /** Installs the packed package, and others from the registry. */
  install(...packages: readonly string[]): Promise<string>;
  /** Runs a command to its end. Rejects with what it printed if it fails. */
  run(command: string, ...args: string[]): Promise<string>;
  /** Starts a command that goes on running, and waits until it prints `ready`. */
  start(ready: RegExp, command: string, ...args: string[]): Promise<Running>;
  /** Writes a file of the app. */
  write(file: string, text: string): Promise<void>;
  /** Replaces text in a file of the app. Rejects if it is not there. */
  edit(file: string, from: string, to: string): Promise<void>;
  /** Ends what was started, and deletes the folder. */
  close(): Promise<void>;
}

export interface Running {
  /** What `ready` matched. */
  readonly match: RegExpExecArray;
  /** Everything that was printed so far. */
  readonly printed: () => string;
  stop(): Promise<void>;
}

/** Copies a folder of this one, and others over it, and installs what the lock file says. */
export async function installApp(...folders: readonly string[]): Promise<App> {
  const app = await emptyApp();
  for (const name of folders) {
    await cp(new URL(`./${name}`, import.meta.url), app.folder, { recursive: true });
  }
  // where package.json says that it is
  await cp(inject('tarball'), join(app.folder, 'react-guest-token.tgz'));
  await app.run('npm', 'ci');
  return app;
}

export async function emptyApp(): Promise<App> {
  return appIn(await mkdtemp(join(tmpdir(), 'guest-token-app-')));
}

function appIn(folder: string): App {
  const toEnd = new Set<() => Promise<void>>();
  const env: Record<string, string> = {};
  return {
    folder,
    env,
    at(name) {
      const app = appIn(join(folder, name));
      toEnd.add(app.close);
      return app;
    },
    install: (...packages) => run(folder, env, 'npm', ['install', inject('tarball'), ...packages]),
    run: (command, ...args) => run(folder, env, command, args),
    async start(ready, command, ...args) {
      const one = await start(folder, env, ready, command, args);
      toEnd.add(one.stop);
      return one;
    },
    async write(file, text) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    },
    async edit(file, from, to) {
      const text = await readFile(join(folder, file), 'utf8');
      if (!text.includes(from)) throw new Error(`${file} does not contain ${from}.`);
      await writeFile(join(folder, file), text.replaceAll(from, to));
    },
    async close() {
      await Promise.all([...toEnd].map((end) => end()));
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

type Env = Readonly<Record<string, string>>;

/** A port that is free at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** The Node of this process, and nothing of the repository. */
function environment(): NodeJS.ProcessEnv {
  const path = (process.env.PATH ?? '').split(delimiter);
  const others = path.filter((folder) => !folder.includes('node_modules'));
  const unset = Object.fromEntries(
    Object.keys(process.env)
      .filter((name) =>
        /^(npm_(?!config_)|npm_config_local_prefix|VITE|NODE_(ENV|OPTIONS|PATH)|TEST|APPS|CI$)/.test(
          name,
        ),
      )
      .map((name) => [name, undefined]),
  );
  return {
    ...process.env,
    ...unset,
    PATH: [dirname(process.execPath), ...others].join(delimiter),
    NO_COLOR: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    STORYBOOK_DISABLE_TELEMETRY: '1',
    BROWSER: 'none',
    npm_config_yes: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_loglevel: 'error',
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}

function run(cwd: string, env: Env, command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...environment(), ...env }, maxBuffer: 2 ** 26 };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      const printed = stripVTControlCharacters(`${stdout}${stderr}`);
      if (!error) return resolve(printed);
      reject(new Error(`${command} ${args.join(' ')} failed:\n${printed.slice(-8_000)}`));
    });
    // whoever asks a question gets no answer
    child.stdin?.end();
  });
}

function start(
  cwd: string,
  env: Env,
  ready: RegExp,
  command: string,
  args: readonly string[],
): Promise<Running> {
  // a process group, since npm starts processes of its own
  const child = spawn(command, args, { cwd, env: { ...environment(), ...env }, detached: true });
  let printed = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    endGroup(child);
    await ended;
  };
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += stripVTControlCharacters(text);
        const match = ready.exec(printed);
        if (match) resolve({ match, printed: () => printed, stop });
      });
    }
    child.once('error', reject);
    ended.then(() => reject(new Error(`${command} ${args.join(' ')} ended:\n${printed}`)));
  });
}

function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {}
}
