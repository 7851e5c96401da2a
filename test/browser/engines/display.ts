import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Display {
  /** What programs want to find in `DISPLAY`, e.g. `":99"`. */
  readonly name: string;
  close(): void;
}

/** A screen that nobody looks at, under a number that is free. */
export async function startDisplay(): Promise<Display> {
  const xvfb = spawn('Xvfb', ['-displayfd', '1', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [number] = await Promise.race([
    once(xvfb.stdout, 'data'),
    once(xvfb, 'exit').then(() => {
      throw new Error('Xvfb ended before it had a screen.');
    }),
  ]);
  return { name: `:${String(number).trim()}`, close: () => void xvfb.kill() };
}
