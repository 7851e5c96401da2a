// @vitest-environment node
// README is read by strangers, who have nothing else: what it says must be so.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { usage } from '../../src/bin/settings/usage.ts';
import { GuestTokenError, type GuestTokenErrorCode, shouldRetry } from '../../src/core/index.ts';
import { errorCodes } from './errorCodes.ts';
import { generated } from './generated.ts';
import { anchorsOf, blocksOf, codesOf, root, sectionOf, tableOf } from './markdown.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const readme = read('README.md');
const codes = codesOf(readme);
const blocks = blocksOf(readme);

const errorOf = (code: GuestTokenErrorCode): GuestTokenError => new GuestTokenError(code, 'It is.');

describe('README', () => {
  // When an example, a hint or a setting has changed: `npx vitest run --project unit test/docs -u`, then read it.
  it('shows the examples, the hints and the settings as they are', async () => {
    await expect(generated(readme)).toMatchFileSnapshot('../../README.md');
  });

  it('has each anchor once', () => {
    const anchors = anchorsOf(readme);
    expect(new Set(anchors).size).toBe(anchors.length);
  });

  it('names commands that exist', async () => {
    const text = [...codes, ...blocks.map(({ code }) => code)].join('\n');
    const scripts = [...text.matchAll(/\bnpm (?:run )?(\S+)/g)].map(([, name = '']) => name);
    const known = ['install', ...Object.keys(manifest.scripts)];
    expect(scripts).toEqual(expect.arrayContaining(['start', 'test', 'install']));
    expect(scripts.filter((name) => !known.includes(name))).toEqual([]);

    const [binName = ''] = Object.keys(manifest.bin);
    const calls = [...text.matchAll(/\b(?:npx )?(guest-token-broker) ([a-z]\S*)/g)];
    expect(calls.length).toBeGreaterThan(3);
    for (const [, name, command] of calls) {
      expect(name).toBe(binName);
      expect(usage()).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
  });

  it('has its test command in a block by itself', () => {
    expect(blocks.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['npm start', 'npm test']),
    );
  });
});

describe("README's errors", () => {
  const rows = tableOf(readme, 'Code').map(([code = '', , again]) => ({
    code: /^<a id="(\w+)"><\/a>`\1`$/.exec(code)?.[1],
    again,
  }));

  it('are all of them, each with an anchor to link to', () => {
    expect(rows.map(({ code }) => code)).toEqual(Object.keys(errorCodes));
  });

  it('say whether the same round asks again as the code decides it', () => {
    const again = (code: GuestTokenErrorCode): string => {
      if (!shouldRetry(0, errorOf(code))) return 'no';
      return shouldRetry(1, errorOf(code)) ? 'yes' : 'once';
    };
    expect(rows.map((row) => row.again)).toEqual(
      (Object.keys(errorCodes) as GuestTokenErrorCode[]).map(again),
    );
  });
});

describe("README's reference", () => {
  const exported = codesOf(sectionOf(readme, 'Everything that is exported'));

  it.each(['index', 'core', 'server', 'sandbox', 'testing'])('has every export of %s', (entry) => {
    const surface = read(`test/package/surface/${entry}.txt`).trim().split('\n');
    const name = entry === 'index' ? 'react-guest-token' : `react-guest-token/${entry}`;
    const row = tableOf(readme, 'From').find(([from]) => from === `\`${name}\``);
    const values = surface.filter((line) => !line.startsWith('type '));
    expect(codesOf(row?.[1] ?? '').sort()).toEqual(values.sort());
    expect(exported).toEqual(expect.arrayContaining(values));
  });

  it('has every variable and option of the command line', () => {
    const words = usage().match(/\b[A-Z]+(?:_[A-Z]+)+\b|--[a-z-]+/g) ?? [];
    const named = words.filter((name) => !name.endsWith('_FILE'));
    expect(named).toEqual(expect.arrayContaining(['GENESYS_CLIENT_ID', '--sandbox']));
    const section = codesOf(sectionOf(readme, 'The standalone broker')).join('\n');
    expect([...new Set(named)].filter((name) => !section.includes(name))).toEqual([]);
  });
});
