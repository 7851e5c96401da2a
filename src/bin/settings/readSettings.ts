import { readFileSync } from 'node:fs';
import { isGuestTokenError } from '../../core/errors.ts';
import type { Setting, Table, ValuesOf } from './setting.ts';

/** Something that the user of the command has to set right; the process ends with code 2. */
export class UsageError extends Error {}

export interface Input {
  /** What the command line says, by flag. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * What flags, variables and files say, in this order; else the defaults. An empty variable counts as
 * not set.
 *
 * @throws UsageError that names the flag, the variable or the file
 */
export function readSettings<Settings extends Table>(
  table: Settings,
  input: Input,
): ValuesOf<Settings> {
  const values = Object.entries(table).map(([name, setting]) => [name, read(setting, input)]);
  // each value comes from the setting of its name
  return Object.fromEntries(values) as ValuesOf<Settings>;
}

function read(setting: Setting<unknown>, input: Input): unknown {
  const given = fromFlag(setting, input) ?? fromEnvironment(setting, input);
  const text = given?.text ?? setting.fallback;
  if (text === undefined) return undefined;
  const value = setting.kind.parse(text);
  if (value !== undefined) return value;
  const { expected } = setting.kind;
  const source = given?.source ?? '';
  if (!source.startsWith('--')) throw new UsageError(`Set ${source} to ${expected}.`);
  throw new UsageError(`${source} must be ${expected}.`);
}

interface Given {
  readonly source: string;
  readonly text: string;
}

function fromFlag({ flag = '' }: Setting<unknown>, { flags }: Input): Given | undefined {
  const given = flags[flag];
  if (given === undefined) return undefined;
  return { source: `--${flag}`, text: typeof given === 'string' ? given : given ? 'on' : 'off' };
}

function fromEnvironment(setting: Setting<unknown>, { env }: Input): Given | undefined {
  const { variable, isSecret = false } = setting;
  if (variable === undefined) return undefined;
  const text = env[variable] || undefined;
  const fileVariable = `${variable}_FILE`;
  const path = (isSecret && env[fileVariable]) || undefined;
  if (path === undefined) return text === undefined ? undefined : { source: variable, text };
  if (text !== undefined) throw new UsageError(`Set ${variable} or ${fileVariable}, not both.`);
  return { source: fileVariable, text: readSecret(fileVariable, path) };
}

/** Without the line break that editors leave at the end. */
function readSecret(variable: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trimEnd();
  } catch (error) {
    const { code = 'error' }: { code?: unknown } = Object(error);
    throw new UsageError(`${variable} names ${path}, which can't be read (${code}).`);
  }
  if (text === '') throw new UsageError(`${variable} names ${path}, which is empty.`);
  return text;
}

/** A wrong option of the library, as the setting that it comes from; whatever else as it is. */
export function namingTheSetting(error: unknown, table: Table): unknown {
  if (!isGuestTokenError(error) || error.code !== 'misconfigured') return error;
  const [, option, problem] = /^Option "([^"]+)" (.*)$/s.exec(error.message) ?? [];
  const known = Object.values(table).find((setting) => setting.option === option);
  if (problem === undefined || !known) return error;
  const { variable, flag } = known;
  return new UsageError(`${variable ?? `--${flag}`} ${problem.replace(` ${error.hint}`, '')}`);
}
