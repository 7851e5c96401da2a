// The built Storybook: serves it below a path, as GitHub Pages does, and waits for a page of it.
import type { Page } from 'playwright';
import { preview } from 'vite';

export interface Site {
  /** Address of the introduction, with a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

export async function serveSite(): Promise<Site> {
  const server = await preview({
    configFile: false,
    logLevel: 'error',
    appType: 'mpa',
    base: '/react-guest-token/',
    build: { outDir: 'storybook-static' },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('The server of the built Storybook has no address.');
  return { url, close: () => server.close() };
}

/** Opens a story or a docs page without Storybook around it. Resolves when its play function has ended. */
export async function openEntry(
  page: Page,
  { url }: Site,
  id: string,
  viewMode: 'docs' | 'story',
): Promise<void> {
  await page.goto(`${url}iframe.html?id=${id}&viewMode=${viewMode}`);
  await page.locator('.sb-show-main, .sb-show-errordisplay').waitFor();
  await page.waitForFunction(() => {
    const { __STORYBOOK_PREVIEW__: storybook } = globalThis as {
      __STORYBOOK_PREVIEW__?: { currentRender?: { phase?: string; type?: string } };
    };
    const { phase = '', type } = storybook?.currentRender ?? {};
    return type === 'docs' || ['finished', 'errored', 'aborted'].includes(phase);
  });
  // The code of a docs page is coloured by a script that comes later.
  if (viewMode === 'docs') await page.waitForLoadState('networkidle');
}
