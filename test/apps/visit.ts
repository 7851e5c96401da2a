// Looks at an app's page in Chromium.
import { type Browser, chromium, type Page } from 'playwright';
import { expect } from 'vitest';
import { launchOptions } from '../../.ci/browser.ts';
import type { App, Running } from './app.ts';

/** A token of the default sandbox lives an hour, and is renewed a minute before its end. */
export const UNTIL_RENEWAL_MS = 59 * 60_000;

export interface Visit {
  readonly page: Page;
  /** The tokens that the page got, in order. */
  readonly tokens: readonly string[];
  /** The paths that the page posted to, in order. */
  readonly posts: readonly string[];
  /** Errors and warnings on the console, errors that nobody caught. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens a page whose clock the test can move on.
 *
 * @param prepare sets the page up before it is opened
 */
export async function visit(
  url: string,
  prepare: (page: Page) => Promise<void> = async () => undefined,
): Promise<Visit> {
  const browser: Browser = await chromium.launch(await launchOptions());
  const page = await browser.newPage();
  const tokens: string[] = [];
  const posts: string[] = [];
  const complaints: string[] = [];
  page.on('console', (message) => {
    const isComplaint = /^(error|warning)$/.test(message.type());
    // Storybook's page has no icon.
    const isOfIcon = message.location().url.endsWith('/favicon.ico');
    if (isComplaint && !isOfIcon) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.method() === 'POST') posts.push(new URL(request.url()).pathname);
  });
  page.on('response', async (response) => {
    if (!response.url().endsWith('/api/guest-token') || !response.ok()) return;
    // Its body is gone if the page has been closed meanwhile.
    const reply: { token: string } | undefined = await response.json().catch(() => undefined);
    if (reply) tokens.push(reply.token);
  });
  await page.clock.install();
  await prepare(page);
  await page.goto(url);
  return { page, tokens, posts, complaints, close: () => browser.close() };
}

/**
 * Fails unless a token arrives, is renewed before its end, and nothing complains.
 *
 * @param prepare what the visitor does first
 * @param connected what the page says while there is a token
 */
export async function expectTokenAndRenewal(
  url: string,
  prepare: (page: Page) => Promise<void> = async () => undefined,
  connected: RegExp = /^Connected as visitor-/,
): Promise<void> {
  const { page, tokens, complaints, close } = await visit(url);
  try {
    await prepare(page);
    await page.getByText(connected).waitFor({ timeout: 30_000 });
    expect(tokens).toHaveLength(1);
    await page.clock.fastForward(UNTIL_RENEWAL_MS);
    await expect.poll(() => new Set(tokens).size, { timeout: 10_000 }).toBe(2);
    expect(tokens).toHaveLength(2);
    await page.getByText(connected).waitFor();
    expect(complaints).toEqual([]);
  } finally {
    await close();
  }
}

/** Starts the installed broker in front of the sandbox, on a port of its own. */
export async function startBroker(
  app: App,
  ...args: string[]
): Promise<Running & { port: string; url: string }> {
  const broker = await app.start(
    /"url":"(http:\/\/127\.0\.0\.1:(\d+))"/,
    ...(['npx', 'guest-token-broker', 'serve', '--sandbox', '--port', '0', ...args] as const),
  );
  const [, url = '', port = ''] = broker.match;
  return { ...broker, url, port };
}
