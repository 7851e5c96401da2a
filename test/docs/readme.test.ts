// @vitest-environment node
// README is read by strangers, who have nothing else: what it says must be so.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { genesysTable } from '../../src/bin/settings/genesysSettings.ts';
import type { Table } from '../../src/bin/settings/setting.ts';
import { serveTable } from '../../src/bin/settings/settings.ts';
import { usage } from '../../src/bin/settings/usage.ts';
import { GuestTokenError, type GuestTokenErrorCode, shouldRetry } from '../../src/core/index.ts';
import { fileOf, problemsOf } from './compile.ts';
import { brokerMetrics } from './metrics.ts';
import {
  anchorsOf,
  blocksOf,
  codesOf,
  localLinksOf,
  markdownTable,
  root,
  sectionOf,
  tableOf,
  withExamples,
  withHints,
  withTables,
} from './readme.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const readme = read('README.md');
const codes = codesOf(readme);
const blocks = blocksOf(readme);

const errorCodes: Record<GuestTokenErrorCode, true> = {
  unreachable: true,
  timed_out: true,
  rate_limited: true,
  unauthorized: true,
  forbidden: true,
  rejected: true,
  unavailable: true,
  malformed_reply: true,
  unknown_expiry: true,
  no_progress: true,
  expired: true,
  identity_mismatch: true,
  misconfigured: true,
  aborted: true,
};
const errorOf = (code: GuestTokenErrorCode): GuestTokenError => new GuestTokenError(code, 'It is.');

describe('README', () => {
  it('holds code that compiles, block by block', async () => {
    const code = blocks.filter(({ language }) => /^tsx?$/.test(language));
    expect(code.length).toBeGreaterThan(20);
    expect(new Set(code.map(fileOf)).size, 'each block has a name of its own').toBe(code.length);
    expect(await problemsOf(code)).toEqual([]);
  }, 60_000);

  it('would not pass with code that does not compile, and names its line', async () => {
    const [block] = blocksOf('one\n\n```ts\nconst fine = 1;\nconst wrong: string = fine;\n```\n');
    const problems = block ? await problemsOf([block]) : [];
    expect(problems).toEqual([expect.stringMatching(/^README\.md:5 .*not assignable/)]);
  }, 60_000);

  // When an example, a hint or a setting has changed: `npx vitest run --project unit test/docs -u`, then read it.
  it('shows the examples, the hints and the settings as they are', async () => {
    const isCode = (code: string): code is GuestTokenErrorCode => code in errorCodes;
    const withCode = withHints(withExamples(readme), (code) =>
      isCode(code) ? errorOf(code).hint : `no error has the code ${code}`,
    );
    const now = withTables(withCode, {
      both: settingsTable(genesysTable),
      serve: settingsTable(serveTable),
      metrics: metricsTable(),
    });
    await expect(now).toMatchFileSnapshot('../../README.md');
  });

  it('links to what is there', () => {
    const anchors = anchorsOf(readme);
    expect(new Set(anchors).size, 'each anchor once').toBe(anchors.length);
    const dead = localLinksOf(readme).filter((target) =>
      target.startsWith('#') ? !anchors.includes(target.slice(1)) : !existsSync(join(root, target)),
    );
    expect(dead).toEqual([]);
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

function metricsTable(): string {
  const rows = brokerMetrics().map(({ name, help, type }) => [`\`${name}\``, `${type}`, help]);
  return markdownTable(['Metric', 'Type', ''], rows);
}

/** Variables, options and defaults of the command line. */
function settingsTable(table: Table): string {
  const code = (name: string | undefined): string => (name ? `\`${name}\`` : '');
  const rows = Object.values(table).map(({ variable, flag, placeholder, fallback, help }) => [
    code(variable),
    code(flag && (placeholder ? `--${flag} ${placeholder}` : `--${flag}`)),
    code(fallback),
    help,
  ]);
  return markdownTable(['Variable', 'Option', 'Default', ''], rows);
}
