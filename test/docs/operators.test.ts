// @vitest-environment node
// The operator's guide: what it names is there, and its sizes follow from its measured figures.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allTables } from '../../src/bin/settings/settings.ts';
import {
  anchorsOf,
  localLinksOf,
  markdownTable,
  root,
  sectionOf,
  tableOf,
  withTables,
} from './markdown.ts';
import { brokerMetrics } from './metrics.ts';

const guide = readFileSync(join(root, 'docs/operators.md'), 'utf8');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

const [, cpuMicroseconds = 0, , tokenBytes = 0, countBytes = 0] = tableOf(guide, 'Measured').map(
  ([, value = '']) => Number(value.replace(',', '')),
);

/** As the guide says it. */
const PAGES_A_DAY = 10;
const PEAK = 4;
const GENESYS_A_MINUTE = 300;

const MINUTES = 24 * 60;

function sizesTable(): string {
  const most = (GENESYS_A_MINUTE * MINUTES) / PEAK;
  const rows = [
    [10_000, 1, 2],
    [10_000, 24, 1],
    [50_000, 1, 2],
    [most / 2, 1, 2],
    [most, 24, 1],
  ].map(([visitors = 0, lifeHours = 0, callsEach = 0]) => {
    const calls = visitors * callsEach;
    const peakCalls = (calls / MINUTES) * PEAK;
    const peakRequests = ((visitors * PAGES_A_DAY) / (MINUTES * 60)) * PEAK;
    // Those of an hour all come in the busiest one; those of a day are a day's.
    const alive = lifeHours === 1 ? peakCalls * 60 : calls;
    const counted = peakRequests * 60;
    return [
      number(visitors),
      lifeHours === 1 ? 'an hour' : 'a day',
      number(calls),
      number(peakCalls),
      number(peakRequests),
      `${number((peakRequests * cpuMicroseconds) / 10_000, 1)} %`,
      `${number((alive * tokenBytes + counted * countBytes) / 1e6)} MB`,
    ];
  });
  const head = [
    'Visitors a day',
    'Tokens live',
    'Calls to Genesys a day',
    'in the busiest minute',
    'Requests a second then',
    'CPU then',
    'Redis',
  ];
  return markdownTable(head, rows);
}

function number(value: number, digits = 0): string {
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

describe("the operator's guide", () => {
  // When a measured figure has changed: `npx vitest run --project unit test/docs -u`, then read it.
  it('has sizes that follow from what was measured', async () => {
    expect([cpuMicroseconds, tokenBytes, countBytes].every((value) => value > 0)).toBe(true);
    await expect(withTables(guide, { sizes: sizesTable() })).toMatchFileSnapshot(
      '../../docs/operators.md',
    );
  });

  it('names variables and metrics that exist', () => {
    const known = Object.values(allTables).flatMap(({ variable = '' }: { variable?: string }) => [
      variable,
      `${variable}_FILE`,
    ]);
    const named = guide.match(/\b(?:GENESYS|GUEST_TOKEN|REDIS)_[A-Z_]+\b/g) ?? [];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);

    const metrics = brokerMetrics().map(({ name }) => name);
    const watched = sectionOf(guide, 'What to watch').match(/\bguest_token_\w+/g) ?? [];
    expect(watched.length).toBeGreaterThan(5);
    expect(watched.filter((name) => !metrics.includes(name))).toEqual([]);
  });

  it('links to what is there, and is linked to', () => {
    expect(localLinksOf(readme)).toContain('docs/operators.md');
    const dead = localLinksOf(guide).filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? 'docs/operators.md' : join('docs', path);
      if (!existsSync(join(root, file))) return true;
      const text = readFileSync(join(root, file), 'utf8');
      return anchor !== undefined && !anchorsOf(text).includes(anchor);
    });
    expect(dead).toEqual([]);
  });
});
