// @vitest-environment node
// A page for each way to fail, and addresses that lead there.
import { basename } from 'node:path';
import { expect, it, vi } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { warnOfFailure } from '../../src/core/devWarnings.ts';
import { GuestTokenError } from '../../src/core/index.ts';
import { pages } from './documents.ts';
import { errorCodes, reasons } from './errorCodes.ts';

const titlesBelow = (folder: string): string[] =>
  pages
    .filter(({ path }) => new RegExp(`^stories/docs/errors/${folder}[a-z_]+\\.mdx$`).test(path))
    .filter(({ path }) => basename(path) !== 'overview.mdx')
    .map(({ title }) => title);

it('each error code has a page, and each page an error code', () => {
  expect(titlesBelow('').sort()).toEqual(errorCodes.map((code) => `Errors/${code}`).sort());
});

it('each reason of the broker has a page, and each page a reason', () => {
  expect(titlesBelow('reasons/').sort()).toEqual(
    reasons.map((reason) => `Errors/Broker reasons/${reason}`).sort(),
  );
});

it.each(errorCodes)('the console message of %s links to its page in the repository', (code) => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  warnOfFailure(new GuestTokenError(code, 'It failed.'));
  const address = /https:\S+/.exec(String(warn.mock.lastCall?.[0]))?.[0];
  warn.mockRestore();

  const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '');
  const path = address?.replace(`${repository}/blob/main/`, '');
  expect(pages.map((page) => page.path)).toContain(path);
  expect(path).toContain(code);
});
