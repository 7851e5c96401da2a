// Type-checks the code blocks of README and of the docs as a reader would have them: each page is a
// project, each block a file of it, and the package is src.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import type { Document } from './documents.ts';
import { type Block, blocksOf, root } from './markdown.ts';

const run = promisify(execFile);

/** What pages import and other pages show, or the reader has. */
const elsewhere: Readonly<Record<string, string>> = {
  'session.ts':
    'export declare function sessionOf(request: Request): Promise<{ userId: string } | null>;',
  'broker.ts': `import type { GuestTokenBroker } from 'react-guest-token/server';
export declare const broker: GuestTokenBroker;`,
  'ChatPage.tsx': `import type { ReactNode } from 'react';
export declare function ChatPage(props: { externalId: string }): ReactNode;`,
  'ChatWidget.tsx': `import type { ReactNode } from 'react';
export declare function ChatWidget(props: { messagesUrl: string; memberId?: string }): ReactNode;`,
};

/** Packages of the readers' apps that this repository does without. The apps of test/apps have them. */
const packages = `
declare module '@vitejs/plugin-basic-ssl' {
  export default function basicSsl(): import('vite').Plugin;
}
declare module 'next/headers' {
  export function cookies(): Promise<{
    get(name: string): { value: string } | undefined;
    set(name: string, value: string, options?: { httpOnly?: boolean; sameSite?: 'lax' }): void;
    delete(name: string): void;
  }>;
}
declare module '@react-router/dev/routes' {
  export type RouteConfig = object[];
  export function index(file: string): object;
  export function route(path: string, file: string): object;
}
declare module '@react-router/dev/vite' {
  export function reactRouter(): import('vite').Plugin[];
}
declare module '@rolldown/plugin-babel' {
  export default function babel(options: { presets: unknown[] }): Promise<import('vite').Plugin>;
}
declare module '@playwright/test' {
  export * from 'playwright/test';
}
`;

/**
 * Checks them with the project's own TypeScript.
 *
 * @returns what is wrong, each with its page and line
 */
export async function problemsOf(documents: readonly Document[]): Promise<string[]> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'docs-'));
  try {
    const files = documents.flatMap(filesOf);
    // the augmentation of .storybook/preview.ts, which imports the addon
    files.push(['addon.ts', "import 'msw-storybook-addon/types';"], ['packages.d.ts', packages]);
    for (const [file, text] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const settings = tsconfig(
      folder,
      files.map(([file]) => file),
    );
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    return await check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A folder named like the page, with its blocks and what they import from elsewhere. */
function filesOf({ path, text }: Document): [file: string, text: string][] {
  const own = codeOf(text).map((block): [string, string] => [fileOf(block), onItsLine(block)]);
  const names = own.map(([name]) => name);
  const added = Object.entries(elsewhere).filter(([name]) => {
    const imported = new RegExp(`from '\\./${name.replace(/\.tsx?$/, '')}(\\.tsx?)?'`);
    return imported.test(text) && !names.includes(name);
  });
  return [...own, ...added].map(([name, code]) => [join(path, name), code]);
}

/** The blocks that TypeScript reads. */
export function codeOf(text: string): Block[] {
  return blocksOf(text).filter(({ language }) => /^tsx?$/.test(language));
}

/** The name in the first line's comment; blocks of a page import each other by it. */
export function fileOf({ code, line, language }: Block): string {
  return /^\/\/ (\S+\.tsx?)(?=\n|:)/.exec(code)?.[1] ?? `line${line}.${language}`;
}

/** Empty lines before the code, so that the compiler's line is the page's. */
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
        problem.replace(/^(?!\.\.\/)(\S+?\.mdx?)\/(\S+)\((\d+),\d+\): error/, '$1:$3 ($2):'),
      );
  }
}
