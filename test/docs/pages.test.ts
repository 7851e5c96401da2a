// @vitest-environment node
// The pages under stories/docs are read by strangers, who have nothing else: what they say must be so.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf } from '../../.storybook/docs/pages.ts';
import { usage } from '../../src/bin/settings/usage.ts';
import { codeOf, fileOf, problemsOf } from './compile.ts';
import { documentAt, pages, readme } from './documents.ts';
import { generated } from './generated.ts';
import { anchorsOf, blocksOf, codesOf, localLinksOf, root } from './markdown.ts';

describe('the docs', () => {
  it('hold code that compiles, each page a project of its own', async () => {
    for (const { path, text } of [readme, ...pages]) {
      const files = codeOf(text).map(fileOf);
      expect(new Set(files).size, `${path}: each block has a name of its own`).toBe(files.length);
    }
    expect(await problemsOf([readme, ...pages])).toEqual([]);
  }, 120_000);

  it('would not pass with code that does not compile; the problem names page and line', async () => {
    const text = 'one\n\n```ts\nconst fine = 1;\nconst wrong: string = fine;\n```\n';
    expect(await problemsOf([{ path: 'stories/docs/broken.mdx', text }])).toEqual([
      expect.stringMatching(/^stories\/docs\/broken\.mdx:5 .*not assignable/),
    ]);
  }, 60_000);

  it('have no other code than what is checked, or is plain text', () => {
    const checked = ['ts', 'tsx', 'json', 'sh'];
    const plain = ['text', 'yaml', 'html', 'css', 'diff'];
    for (const { path, text } of [readme, ...pages]) {
      for (const { language, line, code, example } of blocksOf(text)) {
        // a copy of a file that runs
        if (example) continue;
        expect([...checked, ...plain], `${path}:${line}`).toContain(language);
        if (language === 'json') expect(() => JSON.parse(code), `${path}:${line}`).not.toThrow();
      }
    }
  });

  // When an example, a hint, a setting or a metric has changed: `npx vitest run --project unit test/docs -u`, then read it.
  it.each(pages)(
    '$path shows the examples, hints and tables as the code has them',
    async (page) => {
      await expect(generated(page.text)).toMatchFileSnapshot(join(root, page.path));
    },
  );

  it('link to pages, headings and files that are there', () => {
    const dead = [readme, ...pages].flatMap(({ path, text }) =>
      localLinksOf(text)
        .filter((target) => !resolves(path, target))
        .map((target) => `${path}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it('can all be reached from the introduction', () => {
    const reached = new Set<string>();
    const follow = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const target of localLinksOf(documentAt(path).text)) {
        const next = normalize(join(dirname(path), target.replace(/#.*/, '')));
        if (next.endsWith('.mdx')) follow(next);
      }
    };
    follow('stories/docs/introduction.mdx');
    expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });

  it('have addresses of their own, and a place in the sidebar', () => {
    const preview = documentAt('.storybook/preview.ts').text;
    expect(new Set(pages.map(({ title }) => addressOf(title))).size).toBe(pages.length);
    for (const { title } of pages) {
      // the codes and reasons are in alphabetical order
      const parts = title.startsWith('Errors/') ? ['Errors'] : title.split('/');
      for (const part of parts) expect(preview).toMatch(new RegExp(`['"]${part}['"]`));
    }
  });

  it('name commands and options of the command line that exist', () => {
    for (const { path, text } of [readme, ...pages]) {
      const words = [...codesOf(text), ...blocksOf(text).map(({ code }) => code)].join('\n');
      for (const [call, command] of words.matchAll(/\bguest-token-broker ([a-z]+).*/g)) {
        expect(usage(), path).toMatch(new RegExp(`^  ${command} `, 'm'));
        for (const [option] of call.replace(/ #.*/, '').matchAll(/--[a-z][a-z-]*/g)) {
          expect(usage(), `${path}: ${call}`).toMatch(new RegExp(`  ${option}\\b`));
        }
      }
    }
  });
});

function resolves(path: string, target: string): boolean {
  const [to = '', anchor] = target.split('#');
  const file = to === '' ? path : normalize(join(dirname(path), to));
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || anchorsOf(documentAt(file).text).includes(anchor);
}
