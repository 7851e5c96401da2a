// Type-checks README's blocks as a reader would have them: each in a file of its own, against src.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Block, root } from './readme.ts';

const run = promisify(execFile);

/** What the reader has and README does not show. */
const readersOwn: Readonly<Record<string, string>> = {
  'session.ts':
    'export declare function sessionOf(request: Request): Promise<{ userId: string } | null>;',
  // the augmentation of .storybook/preview.ts, which imports the addon
  'addon.ts': "import 'msw-storybook-addon/types';",
};

/**
 * Checks them with the project's own TypeScript.
 *
 * @returns what is wrong, each with README's line
 */
export async function problemsOf(blocks: readonly Block[]): Promise<string[]> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'readme-'));
  try {
    const files = [
      ...Object.entries(readersOwn),
      ...blocks.map((block) => [fileOf(block), onItsLine(block)] as const),
    ];
    for (const [file, text] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify(
        tsconfig(
          folder,
          files.map(([file]) => file),
        ),
      ),
    );
    return await check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The name in the first line's comment; blocks import each other by it. */
export function fileOf({ code, line, language }: Block): string {
  return /^\/\/ (\S+\.tsx?)$/m.exec(code.split('\n')[0] ?? '')?.[1] ?? `line${line}.${language}`;
}

/** Empty lines before the code, so that the compiler's line is README's. */
function onItsLine({ code, line }: Block): string {
  return `${'\n'.repeat(line - 1)}${code}\n`;
}

function tsconfig(folder: string, files: readonly string[]): object {
  const src = relative(folder, join(root, 'src'));
  return {
    extends: relative(folder, join(root, 'tsconfig.json')),
    compilerOptions: {
      // as in most of the readers' projects
      module: 'esnext',
      moduleResolution: 'bundler',
      types: ['node'],
      paths: {
        'react-guest-token': [`${src}/index.ts`],
        'react-guest-token/*': [`${src}/*/index.ts`],
        '@/*': ['./*'],
      },
    },
    files,
    // declarations of ours that no import leads to
    include: [`${src}/**/*.d.ts`],
  };
}

async function check(folder: string): Promise<string[]> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder });
    return [];
  } catch (failure) {
    const output =
      failure instanceof Error && 'stdout' in failure ? String(failure.stdout) : String(failure);
    return output
      .trim()
      .split('\n')
      .map((problem) =>
        problem.replace(/^(?!\.\.\/)(\S+)\((\d+),\d+\): error/, 'README.md:$2 ($1):'),
      );
  }
}
