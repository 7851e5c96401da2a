// Who may import whom (the rooms of src/), and what from outside.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../../src', import.meta.url));

interface Import {
  readonly file: string;
  /** A path below src, or a package. */
  readonly target: string;
  readonly own: boolean;
}

const imports: readonly Import[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .flatMap((file) => importsOf(file, readFileSync(join(src, file), 'utf8')));

function importsOf(file: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, name = '']) => {
    const own = name.startsWith('.');
    return { file, own, target: own ? relative(src, join(src, dirname(file), name)) : name };
  });
}

const roomOf = (path: string): string => (path.includes('/') ? path.replace(/\/.*/s, '') : '.');

const mayImport: Record<string, readonly string[]> = {
  core: [],
  session: ['core'],
  react: ['session', 'core'],
  devtools: ['session', 'core'],
  messaging: ['core'],
  server: ['core'],
  sandbox: ['core', 'server'],
  testing: ['core', 'react'],
  bin: ['server', 'sandbox', 'core'],
  // the client entry, src/index.ts
  '.': ['react', 'session', 'core'],
};

const mayUse: Record<string, RegExp> = {
  core: /^$/,
  session: /^@tanstack\/(react-)?query/,
  react: /^(react|@tanstack\/react-query)($|\/)/,
  messaging: /^$/,
  devtools: /^(react(-dom)?|@tanstack\/react-query)($|\/)/,
  server: /^(ipaddr\.js|jose|lru-cache|oauth4webapi|srvx|valibot)($|\/)/,
  sandbox: /^(jose|msw)($|\/)/,
  testing: /^react($|\/)/,
  bin: /^(jose|prom-client|srvx|redis|ws|node:.*)$/,
  '.': /^$/,
};

describe('the rooms of src', () => {
  it('are the known ones', () => {
    expect(imports.length).toBeGreaterThan(50);
    expect(new Set(imports.map(({ file }) => roomOf(file)))).toEqual(
      new Set(Object.keys(mayImport)),
    );
  });

  it('import each other in the agreed direction only', () => {
    const wrong = imports.filter(({ file, target, own }) => {
      const [from, to] = [roomOf(file), roomOf(target)];
      return own && from !== to && !mayImport[from]?.includes(to);
    });
    expect(wrong).toEqual([]);
  });

  it('import files of ours by name, never an index', () => {
    const wrong = imports.filter(({ target, own }) => own && !/(?<!index)\.tsx?$/.test(target));
    expect(wrong).toEqual([]);
  });

  it('use the packages meant for them only; no Node builtin but in bin', () => {
    const wrong = imports.filter(
      ({ file, target, own }) => !own && !mayUse[roomOf(file)]?.test(target),
    );
    expect(wrong).toEqual([]);
  });
});
