import { markdownTable, tableOf } from './markdown.ts';

/** As the guide says it. */
const PAGES_A_DAY = 10;
const PEAK = 4;
const GENESYS_A_MINUTE = 300;

const MINUTES = 24 * 60;

/** What a site of each size needs, computed from what the guide says was measured. */
export function sizesTable(guide: string): string {
  const [, cpuMicroseconds = 0, , tokenBytes = 0, countBytes = 0] = tableOf(guide, 'Measured').map(
    ([, value = '']) => Number(value.replace(',', '')),
  );
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
