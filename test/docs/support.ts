import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable, root } from './markdown.ts';

/** The apps below test/apps that the packed package is tried in, and the tool that each is about. */
const apps: Readonly<Record<string, readonly [title: string, name: string]>> = {
  vite: ['Vite', 'vite'],
  webpack: ['webpack', 'webpack'],
  next: ['Next.js, app router', 'next'],
  reactRouter: ['React Router, framework mode', 'react-router'],
  reactCompiler: ['React Compiler', 'babel-plugin-react-compiler'],
  jest: ['Jest', 'jest'],
  testing: ['Vitest', 'vitest'],
};

interface Manifest {
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** What the package supports, by its manifest, and what the tests install. */
export function supportTable(): string {
  const { engines, peerDependencies: peers, devDependencies: tools } = manifestIn('.');
  const react18 = manifestIn('.ci/react18').dependencies.react;
  const node = Object.values(manifestIn('.ci/node').optionalDependencies)[0];
  const runtimes = manifestIn('.ci/runtimes').dependencies;
  const runtime = (name: string): string[] => ['current', versionOf(runtimes[name])];
  const compilers = Object.keys(manifestIn('test/apps/typescript').dependencies)
    .concat(Object.keys(manifestIn('test/apps/typescript').devDependencies))
    .filter((name) => name.startsWith('typescript-'))
    .map((name) => name.replace('typescript-', ''));
  const rows = [
    ['React', supported(peers.react), versions(react18, tools.react)],
    [
      'TanStack Query',
      supported(peers['@tanstack/react-query']),
      versions(tools['@tanstack/react-query']),
    ],
    ['TypeScript', `${compilers[0]} or newer`, compilers.join(', ')],
    ['`msw`, for the sandbox', supported(peers.msw), versions(tools['msw-2'], tools.msw)],
    [
      '`redis`, for the Redis pool',
      supported(peers.redis),
      versions(tools['redis-4'], tools['redis-5'], tools.redis),
    ],
    ['Node, for the broker', supported(engines.node), versions(node)],
    ['Deno', ...runtime('deno')],
    ['Bun', ...runtime('bun')],
    ['Cloudflare Workers (workerd)', ...runtime('workerd')],
  ];
  return markdownTable(['', 'Supported', 'Tested with'], rows);
}

export function appsTable(): string {
  const rows = Object.entries(apps).map(([folder, [title, name]]) => {
    const { dependencies, devDependencies } = manifestIn(`test/apps/${folder}`);
    return [title, versionOf(dependencies[name] ?? devDependencies[name])];
  });
  return markdownTable(['Tool', 'Version'], rows);
}

function manifestIn(folder: string): Manifest {
  const empty = { dependencies: {}, devDependencies: {}, peerDependencies: {}, engines: {} };
  return { ...empty, ...JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) };
}

/** `^5.69.0` is "5.69 or newer", `^18.0.0 || ^19.0.0` is "18, 19". */
function supported(range = ''): string {
  return range
    .split(' || ')
    .map((part) => {
      const [, sign, major, minor = '0'] = /^(\^|>=)(\d+)(?:\.(\d+))?/.exec(part) ?? [];
      if (major === undefined) throw new Error(`The range ${range} can't be read.`);
      if (minor !== '0') return `${major}.${minor} or newer`;
      return sign === '^' ? major : `${major} or newer`;
    })
    .join(', ');
}

function versions(...specs: (string | undefined)[]): string {
  return specs.map(versionOf).join(', ');
}

function versionOf(spec = ''): string {
  const version = /(\d+\.\d+\.\d+)$/.exec(spec)?.[1];
  if (version === undefined) throw new Error(`"${spec}" ends with no version.`);
  return version;
}
