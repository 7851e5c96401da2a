// What is published: built here, then looked at from outside.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const inDist = (file: string): string => join(root, 'dist', file);
const read = (file: string): string => readFileSync(inDist(file), 'utf8');

beforeAll(async () => {
  await run(process.execPath, [fileURLToPath(import.meta.resolve('tsdown/run'))], { cwd: root });
}, 60_000);

/** The files of dist that `entry` pulls in, and the packages. */
function reach(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, name = ''] of read(file).matchAll(
      /\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g,
    )) {
      if (name.startsWith('./')) visit(name.slice(2));
      else packages.add(name);
    }
  };
  visit(entry);
  return { files, packages };
}

/** The modules of src that are inside those files; the bundler marks where each begins. */
function modulesOf(files: Iterable<string>): string[] {
  return [...files].flatMap((file) =>
    [...read(file).matchAll(/^\/\/ (src\/\S+)$/gm)].map(([, module = '']) => module),
  );
}

describe('the client entry', () => {
  it('is marked as client code, on its first line', () => {
    expect(read('index.js')).toMatch(/^["']use client["'];?\n/);
  });

  it('holds modules of the client rooms only, and nothing of a server', () => {
    const { files, packages } = reach('index.js');
    const modules = modulesOf(files);
    expect(modules).toContain('src/core/guestToken.ts');
    expect(modules.filter((module) => !/^src\/(core|session|react|index)\b/.test(module))).toEqual(
      [],
    );
    expect([...packages].sort()).toEqual(['@tanstack/react-query', 'react', 'react/jsx-runtime']);
    const code = [...files].map(read).join('\n');
    const words = /client_secret|clientSecret|client_credentials|Set-Cookie|oauth4webapi|srvx/;
    expect(code.match(words)).toBeNull();
  });
});

describe('the inspector', () => {
  it('is client code, and needs React only', () => {
    expect(read('devtools.js')).toMatch(/^["']use client["'];?\n/);
    const { files, packages } = reach('devtools.js');
    expect([...packages].sort()).toEqual(['react', 'react-dom', 'react/jsx-runtime']);
    const rooms = /^src\/(core|session|devtools)\//;
    expect(modulesOf(files).filter((module) => !rooms.test(module))).toEqual([]);
  });

  it('leaves nothing in the bundle of an app that does not import it', async () => {
    const words = /guest token inspector|data-guest-token-devtools/i;
    expect(await bundled('index.js')).not.toMatch(words);
    // the words are the right ones
    expect(await bundled('devtools.js')).toMatch(words);
  });
});

/** A browser's bundle of an entry, without React and TanStack Query. */
async function bundled(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    root,
    build: {
      write: false,
      lib: { entry: inDist(entry), formats: ['es'] },
      rolldownOptions: { external: /^(react|@tanstack)/ },
    },
  });
  return [result]
    .flat()
    .flatMap((one) => ('output' in one ? one.output : []))
    .map((one) => ('code' in one ? one.code : ''))
    .join('\n');
}

describe('the other entries', () => {
  it('./core needs no other package', () => {
    const { files, packages } = reach('core.js');
    expect([...packages]).toEqual([]);
    expect(modulesOf(files).filter((module) => !module.startsWith('src/core/'))).toEqual([]);
  });

  it('./messaging needs no package, and nothing of ours but core', () => {
    const { files, packages } = reach('messaging.js');
    expect([...packages]).toEqual([]);
    const modules = modulesOf(files);
    expect(modules).toContain('src/messaging/webMessagingTokenSource.ts');
    expect(modules.filter((module) => !/^src\/(core|messaging)\//.test(module))).toEqual([]);
  });

  it('./server uses no Node builtin, and nothing of the client or of testing', () => {
    const { files, packages } = reach('server.js');
    expect([...packages].filter((name) => name.startsWith('node:'))).toEqual([]);
    expect(modulesOf(files).filter((module) => !/^src\/(core|server)\//.test(module))).toEqual([]);
  });

  it('./server runs where there is no Node: none of its packages imports a builtin either', async () => {
    const result = await build({
      configFile: false,
      logLevel: 'error',
      root,
      build: { ssr: inDist('server.js'), write: false, minify: false },
      ssr: { target: 'webworker', noExternal: true },
    });
    const chunks = [result]
      .flat()
      .flatMap((one) => ('output' in one ? one.output : []))
      .filter((one) => one.type === 'chunk');
    expect(chunks.flatMap(({ exports }) => exports)).toContain('createGuestTokenBroker');
    expect(chunks.flatMap(({ imports }) => imports)).toEqual([]);
    // what the bundler puts in the place of a builtin that CommonJS requires
    expect(chunks.filter(({ code }) => /browser[-_]external/.test(code))).toEqual([]);
  });

  it('./testing needs React and nothing else of ours: neither msw nor the sandbox', () => {
    const { files, packages } = reach('testing.js');
    expect([...packages].filter((name) => !/^react($|\/)/.test(name))).toEqual([]);
    expect(modulesOf(files).filter((module) => /^src\/(sandbox|server)\//.test(module))).toEqual(
      [],
    );
  });

  it('./sandbox needs msw, and neither React nor TanStack Query', () => {
    const { files, packages } = reach('sandbox.js');
    expect([...packages].sort()).toEqual(['jose', 'msw']);
    expect(modulesOf(files).filter((module) => !/^src\/(core|sandbox)\//.test(module))).toEqual([]);
  });

  it.each(['index', 'core', 'server', 'sandbox', 'testing'])(
    '%s has no WebSocket server',
    (entry) => {
      expect(reach(`${entry}.js`).packages).not.toContain('ws');
    },
  );

  it('the bin starts without msw and React, which are optional or not there', () => {
    const { packages } = reach('guest-token-broker.js');
    expect([...packages].filter((name) => /^(msw|react|@testing|@tanstack)/.test(name))).toEqual(
      [],
    );
  });

  it('the bin runs by itself', async () => {
    expect(read('guest-token-broker.js')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const { stdout } = await run(process.execPath, [inDist('guest-token-broker.js'), '--help']);
    expect(stdout).toMatch(/^Usage: guest-token-broker <command>/);
  });
});

/** The files that `npm pack` would put into the package. */
async function packedFiles(): Promise<string[]> {
  const options = ['--dry-run', '--json', '--ignore-scripts', '--loglevel=silent'];
  const { stdout } = await run('npm', ['pack', ...options], { cwd: root });
  const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(stdout);
  return files.map(({ path }) => path).sort();
}

const reachedCode = (entry: string): string[] => [...reach(entry).files];

/** The declarations of an entry, and those that they import. */
function reachedTypes(entry: string, known: string[] = []): string[] {
  const file = entry.replace(/\.js$/, '.d.ts');
  if (known.includes(file)) return known;
  const imported = [...read(file).matchAll(/\bfrom "\.\/([^"]+)"/g)].map(([, name = '']) => name);
  return imported.reduce((all, name) => reachedTypes(name, all), [...known, file]);
}

describe('the manifest', () => {
  it('names files that are there', () => {
    const { './package.json': self, ...entries } = manifest.exports;
    const named = [
      self,
      ...Object.values(entries).flatMap(({ types, default: code }) => [types, code]),
      ...Object.values(manifest.bin),
    ];
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('ships its entries and what they import, the licence and the texts, and nothing else', async () => {
    const { './package.json': self, ...entries } = manifest.exports;
    const code = [
      ...Object.values(entries).map((entry) => entry.default),
      ...Object.values(manifest.bin),
    ].map((file) => basename(file));
    const texts = ['CHANGELOG.md', 'LICENSE', 'README.md', basename(self)];
    const dist = [...code.flatMap((entry) => [...reachedCode(entry), ...reachedTypes(entry)])];
    expect(await packedFiles()).toEqual(
      [...new Set([...texts, ...dist.map((file) => `dist/${file}`)])].sort(),
    );
  }, 30_000);
});

describe('the public surface', () => {
  // A change here is a change for users: look at it, then `npx vitest --project package -u`.
  it.each(['index', 'core', 'devtools', 'messaging', 'server', 'sandbox', 'testing'])(
    'of %s is the agreed one',
    async (entry) => {
      const types = read(`${entry}.d.ts`);
      const declared = types.matchAll(
        /^export (?:declare )?(?:abstract )?(class|const|function|interface|type) (\w+)/gm,
      );
      const listed = [...types.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(
        ([, allTypes = '', list = '']) =>
          list.split(',').map((name) => allTypes + name.trim().replace(/^(type )?.* as /, '$1')),
      );
      const names = [...declared].map(([, kind = '', name = '']) =>
        kind === 'type' || kind === 'interface' ? `type ${name}` : name,
      );
      names.push(...listed.filter((name) => name.trim() !== ''));
      const values = names.filter((name) => !name.startsWith('type '));
      expect(values.sort()).toEqual(Object.keys(await import(inDist(`${entry}.js`))).sort());
      await expect(`${names.sort().join('\n')}\n`).toMatchFileSnapshot(`surface/${entry}.txt`);
    },
  );
});
