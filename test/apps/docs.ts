// What the pages of the docs show, for tests that follow them word for word.
import { readFileSync } from 'node:fs';
import { blocksOf } from '../docs/markdown.ts';
import type { App } from './app.ts';

const page = (name: string): string =>
  readFileSync(new URL(`../../stories/docs/${name}.mdx`, import.meta.url), 'utf8');

/** The files of an app that a page shows: code blocks that begin with a comment that names one. */
export function filesOfPage(pageName: string): Map<string, string> {
  const named = blocksOf(page(pageName)).flatMap(({ code }): [string, string][] => {
    const [line = '', ...rest] = code.split('\n');
    const file = /^\/\/ (\S+\.\w+)$/.exec(line)?.[1];
    return file ? [[file, `${rest.join('\n')}\n`]] : [];
  });
  if (named.length === 0) throw new Error(`${pageName}.mdx shows no files.`);
  return new Map(named);
}

/** Writes them into the app, over what is there. */
export async function writeFilesOfPage(app: App, pageName: string): Promise<void> {
  for (const [file, text] of filesOfPage(pageName)) await app.write(file, text);
}

/** The command of a page that begins like this. */
export function commandOfPage(pageName: string, beginning: string): string {
  const commands = blocksOf(page(pageName))
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.split('\n'));
  const command = commands.find((line) => line.startsWith(beginning));
  if (!command) throw new Error(`${pageName}.mdx shows no command ${beginning}.`);
  return command;
}

/** The shell script of a page that has this line. */
export function blockOfPage(pageName: string, line: string): string {
  const scripts = blocksOf(page(pageName)).filter(({ language }) => language === 'sh');
  const script = scripts.find(({ code }) => code.split('\n').includes(line));
  if (!script) throw new Error(`${pageName}.mdx has no script with the line ${line}.`);
  return script.code;
}

/** The file that a page writes with `cat > file <<'END'`. */
export function hereDocumentOfPage(pageName: string, file: string): string {
  const [, text] = page(pageName).split(`cat > ${file} <<'END'\n`);
  const end = text?.indexOf('\nEND\n') ?? -1;
  if (text === undefined || end < 0) throw new Error(`${pageName}.mdx writes no ${file}.`);
  return `${text.slice(0, end)}\n`;
}
