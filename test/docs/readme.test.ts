// @vitest-environment node
// README is what npm and GitHub show first.
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { readme } from './documents.ts';
import { blocksOf, codesOf } from './markdown.ts';

const blocks = blocksOf(readme.text);

describe('README', () => {
  it('is short: 12 kB at most', () => {
    expect(Buffer.byteLength(readme.text)).toBeLessThanOrEqual(12_000);
  });

  it('names the size of the client entry as it is limited, in whole kB', () => {
    const [client] = manifest['size-limit'];
    const named = /client entry is (\d+) kB/.exec(readme.text)?.[1];
    expect(named).toBe(Number.parseFloat(client?.limit ?? '').toFixed(0));
  });

  it('names npm commands that exist', () => {
    const text = [...codesOf(readme.text), ...blocks.map(({ code }) => code)].join('\n');
    const scripts = [...text.matchAll(/\bnpm (?:run )?(\S+)/g)].map(([, name = '']) => name);
    const known = ['install', ...Object.keys(manifest.scripts)];
    expect(scripts).toEqual(expect.arrayContaining(['start', 'test', 'install']));
    expect(scripts.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('has the commands to start and to test in blocks by themselves', () => {
    expect(blocks.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['npm start', 'npm test']),
    );
  });

  it('needs five lines of code on the server and five for the provider', () => {
    const lines = (name: string): number => {
      const { code = '' } = blocks.find((block) => block.code.startsWith(`// ${name}`)) ?? {};
      const body = code
        .split('\n')
        .filter((line) => !/^(\/\/|import\b|$|[\]})]+;?$)/.test(line.trim()));
      return body.length;
    };
    expect(lines('app/api/guest-token/route.ts')).toBeLessThanOrEqual(5);
    expect(lines('App.tsx')).toBeLessThanOrEqual(5);
  });
});
