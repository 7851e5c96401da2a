import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../stories/docs', import.meta.url));

/** A page of the docs. */
export interface Page {
  /** Absolute path. */
  readonly file: string;
  /** Where it stands in the sidebar, such as `Quick starts/Vite`. */
  readonly title: string;
}

/** All pages, as they are on disk now. */
export function readPages(): Page[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.mdx'))
    .sort()
    .map((name) => {
      const file = join(folder, name);
      return { file, title: titleOf(readFileSync(file, 'utf8'), name) };
    });
}

function titleOf(text: string, name: string): string {
  const title = /^<Meta title="([^"]+)" \/>$/m.exec(text)?.[1];
  if (title === undefined) throw new Error(`${name} has no line <Meta title="…" />.`);
  return title;
}

/** Storybook's address of a page, relative to the site's root. */
export function addressOf(title: string): string {
  const id = title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
  return `?path=/docs/${id}--docs`;
}

interface Node {
  type: string;
  url?: string;
  children?: Node[];
}

/**
 * A remark plugin. Pages link to each other's files, which works on GitHub and in editors; in Storybook
 * such a link leads to the page's address. Images below `static/` are served at the site's root.
 */
export function pageLinks(): (tree: Node) => void {
  return (tree) => visit(tree, readPages());
}

function visit(node: Node, pages: readonly Page[]): void {
  if (node.type === 'image') node.url = node.url?.replace(/^(?:\.\.?\/)+static\//, './') ?? '';
  if (node.type === 'link' || node.type === 'definition') {
    node.url =
      node.url?.replace(/^\.[./\w-]*\.mdx/, (target) => {
        const page = pages.find(({ file }) => basename(file) === basename(target));
        if (!page) throw new Error(`A page links to ${target}, which is not there.`);
        return addressOf(page.title);
      }) ?? '';
  }
  for (const child of node.children ?? []) visit(child, pages);
}
