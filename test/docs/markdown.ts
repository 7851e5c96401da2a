// Reads Markdown and MDX: code blocks, sections, tables and links.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Block {
  /** What stands after the fence. */
  readonly language: string;
  readonly code: string;
  /** The document's line of the first line of code, from 1. */
  readonly line: number;
  /** The file that it is a copy of: "```ts example=test/examples/server/hono.ts". */
  readonly example: string | undefined;
}

const BLOCK = /^```(\w*)(?: example=(\S+))?\n([\s\S]*?)\n```$/gm;

export function blocksOf(text: string): Block[] {
  return [...text.matchAll(BLOCK)].map(({ 1: language = '', 2: example, 3: code = '', index }) => {
    const line = text.slice(0, index).split('\n').length + 1;
    return { language, code, line, example };
  });
}

/** A section from its heading to the next one of the same or a higher level. */
export function sectionOf(text: string, heading: string): string {
  const prose = withoutBlocks(text);
  const start = new RegExp(`^(#+) ${heading}$`, 'm').exec(prose);
  if (!start) throw new Error(`There is no section "${heading}".`);
  const after = prose.slice(start.index + start[0].length);
  const end = new RegExp(`^#{1,${start[1]?.length}} `, 'm').exec(after);
  return after.slice(0, end?.index);
}

/** The cells of the table whose first column's head is `head`, without head and rule. */
export function tableOf(text: string, head: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  if (start < 0) throw new Error(`There is no table "${head}".`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end < 0 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** All that stands between backticks. */
export function codesOf(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** Where links lead, without those that leave the repository. */
export function localLinksOf(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target));
}

/** What a link may lead to: headings as GitHub names them, and anchors set by hand. */
export function anchorsOf(text: string): string[] {
  const prose = withoutBlocks(text);
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading));
  const set = [...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  return [...headings, ...set];
}

function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

function withoutBlocks(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

/**
 * The document with each block that is a copy of an example as that example is now, as far as it is
 * there: the part between `// #region readme` and `// #endregion`, else all of it.
 */
export function withExamples(text: string): string {
  return text.replace(BLOCK, (block: string, language: string, example: string | undefined) => {
    if (example === undefined || !existsSync(join(root, example))) return block;
    const source = readFileSync(join(root, example), 'utf8');
    const region = /\/\/ #region readme\n([\s\S]*?)\n\s*\/\/ #endregion/.exec(source)?.[1];
    const code = asUsersImport((region ?? source).trim());
    return `\`\`\`${language} example=${example}\n${code}\n\`\`\``;
  });
}

/** `../../../src/server/index.ts` is what users import as `react-guest-token/server`. */
function asUsersImport(code: string): string {
  return code.replace(
    /from '(?:\.\.\/)+src\/(?:(core|server|testing|sandbox|messaging|devtools)\/)?[^']*'/g,
    (_, room: string | undefined) => `from 'react-guest-token${room ? `/${room}` : ''}'`,
  );
}

/**
 * The document with each table that is made from the code as the code has it. It stands after
 * `<!-- table: NAME -->`, in MDX after `{/* table: NAME *\/}`.
 */
export function withTables(text: string, tableNamed: (name: string) => string): string {
  return text.replace(
    /^((?:<!--|\{\/\*) table: ([\w-]+) (?:-->|\*\/\}))\n\n(?:\|.*\n)*/gm,
    (_, marker: string, name: string) => `${marker}\n\n${tableNamed(name)}\n`,
  );
}

/** A table in Markdown. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
