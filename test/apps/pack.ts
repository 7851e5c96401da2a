// Packs the built package once for all tests of this folder, as npm publish would.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the packed package. */
    tarball: string;
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url));

export default async function pack({ provide }: TestProject): Promise<void> {
  const folder = join(root, '.cache/apps');
  mkdirSync(folder, { recursive: true });
  const options = ['--ignore-scripts', '--json', '--loglevel=silent', '--pack-destination', folder];
  const { stdout } = await promisify(execFile)('npm', ['pack', ...options], { cwd: root });
  const [{ filename }]: [{ filename: string }] = JSON.parse(stdout);
  provide('tarball', join(folder, filename));
}
