// The parts of the docs that are made from the code.
import { genesysTable } from '../../src/bin/settings/genesysSettings.ts';
import type { Table } from '../../src/bin/settings/setting.ts';
import { serveTable } from '../../src/bin/settings/settings.ts';
import { GuestTokenError } from '../../src/core/errors.ts';
import { isErrorCode } from './errorCodes.ts';
import { markdownTable, withExamples, withHints, withTables } from './markdown.ts';
import { brokerMetrics } from './metrics.ts';

/** A document with its examples, hints and tables as the code has them now. */
export function generated(text: string): string {
  const withCode = withHints(withExamples(text), (code) =>
    isErrorCode(code) ? new GuestTokenError(code, 'It is.').hint : `no error has the code ${code}`,
  );
  return withTables(withCode, {
    both: settingsTable(genesysTable),
    serve: settingsTable(serveTable),
    metrics: metricsTable(),
  });
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
    help,
  ]);
  return markdownTable(['Variable', 'Option', 'Default', ''], rows);
}
