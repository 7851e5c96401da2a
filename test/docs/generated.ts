// The parts of the docs that are made from the code.
import { genesysTable } from '../../src/bin/settings/genesysSettings.ts';
import type { Table } from '../../src/bin/settings/setting.ts';
import { serveTable } from '../../src/bin/settings/settings.ts';
import { GuestTokenError, type GuestTokenErrorCode, shouldRetry } from '../../src/core/index.ts';
import { documentAt } from './documents.ts';
import { errorCodes } from './errorCodes.ts';
import { markdownTable, withExamples, withTables } from './markdown.ts';
import { brokerMetrics } from './metrics.ts';
import { sizesTable } from './sizes.ts';
import { appsTable, supportTable } from './support.ts';

/** A document with its examples and tables as the code has them now. */
export function generated(text: string): string {
  const tables: Readonly<Record<string, () => string>> = {
    both: () => settingsTable(genesysTable),
    serve: () => settingsTable(serveTable),
    metrics: metricsTable,
    errors: errorsTable,
    support: supportTable,
    apps: appsTable,
    sizes: () => sizesTable(text),
    ...Object.fromEntries(errorCodes.map((code) => [code, () => errorTable(code)])),
  };
  return withTables(withExamples(text), (name) => {
    const table = tables[name];
    if (!table) throw new Error(`No table is called ${name}.`);
    return table();
  });
}

const errorOf = (code: GuestTokenErrorCode): GuestTokenError => new GuestTokenError(code, 'It is.');

/** Whether the same acquisition asks again. */
function again(code: GuestTokenErrorCode): string {
  if (!shouldRetry(0, errorOf(code))) return 'no';
  return shouldRetry(1, errorOf(code)) ? 'yes' : 'once';
}

function errorTable(code: GuestTokenErrorCode): string {
  const { hint, retryable } = errorOf(code);
  const rows = [
    ['Retried by the acquisition', again(code)],
    ['`retryable`', `\`${retryable}\``],
  ];
  return markdownTable(['`hint`', hint], rows);
}

/** What each page says first, in one table. */
function errorsTable(): string {
  const rows = errorCodes.map((code) => {
    const { text } = documentAt(`stories/docs/errors/${code}.mdx`);
    const what = new RegExp(`^# ${code}\\n\\n(.*?)\\.?$`, 'm').exec(text)?.[1] ?? '';
    return [`[${code}](./${code}.mdx)`, what, again(code)];
  });
  return markdownTable(['Code', 'What happened', 'Retried'], rows);
}

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
    // else it becomes a link
    help.replace(/https:\/\/\S+/g, '`$&`'),
  ]);
  return markdownTable(['Variable', 'Option', 'Default', ''], rows);
}
