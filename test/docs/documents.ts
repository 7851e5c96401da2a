// What strangers read: README and the pages of stories/docs.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readPages } from '../../.storybook/docs/pages.ts';
import { root } from './markdown.ts';

export interface Document {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

export interface Page extends Document {
  /** Where it stands in the sidebar, such as `Quick starts/Vite`. */
  readonly title: string;
}

export const readme: Document = documentAt('README.md');

export const pages: readonly Page[] = readPages().map(({ file, title }) => ({
  ...documentAt(relative(root, file)),
  title,
}));

export function documentAt(path: string): Document {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}
