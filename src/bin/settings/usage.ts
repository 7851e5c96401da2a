import { genesysTable } from './genesysSettings.ts';
import type { Setting, Table } from './setting.ts';
import { allTables, serveTable } from './settings.ts';

const NAME_WIDTH = 36;

const COMMANDS = `Usage: guest-token-broker <command> [options]

  check    asks for a guest token twice and says what to fix when that fails
  serve    answers POST /api/guest-token (and POST /), GET /healthz and GET /readyz
`;

/** What follows a mistake: short, or the mistake above it scrolls away. */
export const shortUsage = `${COMMANDS}
guest-token-broker --help lists the options and variables.`;

/** What `--help` prints. */
export function usage(): string {
  return `${COMMANDS}
Options and variables of both; an option beats its variable
${helpLines(genesysTable)}
  --help                                this text

Options and variables of serve
${helpLines(serveTable)}

A secret may stand in a file instead, which the variable with _FILE at its end names:
${secretFiles()
  .map((name) => `  ${name}`)
  .join('\n')}
`;
}

function helpLines(table: Table): string {
  return Object.values(table).map(helpLine).join('\n');
}

function helpLine(setting: Setting<unknown>): string {
  const { flag, placeholder, variable, help, fallback = '' } = setting;
  const names = [
    ...(flag === undefined ? [] : [placeholder ? `--${flag} ${placeholder}` : `--${flag}`]),
    ...(variable === undefined ? [] : [variable]),
  ].join(', ');
  const isSwitch = placeholder === undefined && variable === undefined;
  const text = fallback === '' || isSwitch ? help : `${help}; default ${fallback}`;
  const gap = names.length > NAME_WIDTH ? `\n${' '.repeat(NAME_WIDTH + 4)}` : '  ';
  return `  ${names.padEnd(NAME_WIDTH)}${gap}${text}`;
}

function secretFiles(): string[] {
  return Object.values(allTables)
    .filter(({ isSecret }: Setting<unknown>) => isSecret)
    .map(({ variable }: Setting<unknown>) => `${variable}_FILE`);
}
