import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { EngineName } from './engine.ts';

/** Where Debian's package has WebKit's browser for tests; no command of the PATH starts it. */
export const WEBKIT_BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';

/** What each engine needs on this machine: one name of each group. */
const needs: Readonly<Record<EngineName, readonly (readonly string[])[]>> = {
  chromium: [],
  chrome: [['chromium', 'google-chrome'], ['Xvfb']],
  firefox: [['firefox-esr', 'firefox']],
  webkit: [['WebKitWebDriver'], [WEBKIT_BROWSER], ['Xvfb']],
};

/** The path of the first of these commands that is installed. */
export function commandPath(...names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = names.flatMap((name) =>
    name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name)),
  );
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What is missing for an engine: one group of names for each command. */
export function missingFor(engine: EngineName): readonly (readonly string[])[] {
  return needs[engine].filter((names) => !commandPath(...names));
}
