import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../src/bin/guest-token-broker.ts', import.meta.url));

export interface BrokerProcess {
  readonly child: ChildProcess;
  /** All that was printed so far. */
  readonly output: { stdout: string; stderr: string };
  /** The exit code. */
  readonly exited: Promise<number | null>;
  /** Resolves with the first match in what is printed to stdout; rejects when the process ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs the bin in a process of its own, with this environment and nothing else. */
export function startBroker(args: string[], env: Record<string, string> = {}): BrokerProcess {
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const look of watchers) look();
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child,
    output,
    exited,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output.stdout);
          if (match) resolve(match);
        };
        watchers.add(look);
        look();
        exited.then((code) =>
          reject(new Error(`ended with ${code} before ${pattern}: ${output.stderr}`)),
        );
      }),
  };
}

/** Runs the bin to its end. */
export async function runBroker(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { exited, output } = startBroker(args, env);
  return { code: await exited, ...output };
}
