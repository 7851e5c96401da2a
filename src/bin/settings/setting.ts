import { isLoopback } from '../../server/upstream/upstreamOptions.ts';

/** What a value may be: how it reads in "must be …", and how its text is understood. */
export interface Kind<Value> {
  readonly expected: string;
  /** Undefined where the text is something else. */
  parse(text: string): Value | undefined;
}

interface Description<Value> {
  readonly kind: Kind<Value>;
  /** The environment variable. */
  readonly variable?: string;
  /** The option of the command line, without its dashes. */
  readonly flag?: string;
  /** Stands for the value in the help text. A flag without one is a switch. */
  readonly placeholder?: string;
  /** The default, as one would write it. */
  readonly fallback?: string;
  /** Never printed, never a flag, and read from the file that `<VARIABLE>_FILE` names too. */
  readonly isSecret?: boolean;
  /** The library's name for it, which its error messages use. */
  readonly option?: string;
  /** One line, without default and kind. */
  readonly help: string;
}

/** One thing to set. Help text, README's tables and all messages are made from these. */
export interface Setting<Value> extends Description<Value> {
  /** Tells the two forms of `setting` apart; undefined at run time. */
  readonly yields?: Value;
}

export type Table = Readonly<Record<string, Setting<unknown>>>;

/** What a table's settings yield, by name. */
export type ValuesOf<Settings extends Table> = {
  readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer Value> ? Value : never;
};

export function setting<Value>(
  description: Description<Value> & { readonly fallback: string },
): Setting<Value>;
export function setting<Value>(description: Description<Value>): Setting<Value | undefined>;
export function setting<Value>(description: Description<Value>): Setting<Value | undefined> {
  return description;
}

export const text: Kind<string> = { expected: 'a text', parse: (given) => given };

export const onOff: Kind<boolean> = {
  expected: 'on or off',
  parse: (given) => (given === 'on' ? true : given === 'off' ? false : undefined),
};

export const list: Kind<readonly string[]> = {
  expected: 'a comma-separated list',
  parse: (given) =>
    given
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
};

export const countOrList: Kind<number | readonly string[]> = {
  expected: 'a whole number or a comma-separated list',
  parse: (given) => (/^\d{1,3}$/.test(given) ? Number(given) : list.parse(given)),
};

export const cookieName: Kind<string> = {
  expected: 'a name of letters, digits, - and _',
  parse: (given) => (/^[\w-]+$/.test(given) ? given : undefined),
};

/** Secrets and keys do not travel in the clear. */
export const secureUrl: Kind<string> = {
  expected: 'an https URL (http on this machine only)',
  parse(given) {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (!url) return undefined;
    const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
    return isSafe ? given : undefined;
  },
};

/** Long enough that nobody guesses it. */
export const passphrase: Kind<string> = {
  expected: 'a random text of 32 characters or more',
  parse: (given) => (given.length >= 32 ? given : undefined),
};

export function wholeNumber(min: number, max: number, note = ''): Kind<number> {
  return {
    expected: `a whole number from ${min}${note} to ${max}`,
    parse(given) {
      const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

export function oneOf<Choice extends string>(...choices: readonly Choice[]): Kind<Choice> {
  return {
    expected: `one of ${choices.join(', ')}`,
    parse: (given) => choices.find((choice) => choice === given),
  };
}
