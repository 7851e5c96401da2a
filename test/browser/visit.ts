import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launchOptions } from '../../.ci/browser.ts';
import type { PageConfig } from './page/main.tsx';
import { openSite, type Site } from './site.ts';

export interface Visit {
  readonly site: Site;
  /** Tabs of one browser: a new one for each test. */
  readonly context: BrowserContext;
  /** A tab with a page of the shop in it. */
  open(visitor: string, config?: PageConfig, tab?: Page): Promise<Page>;
  /** A tab that waits ten times as long for the others' answer, since the machine may be busy. */
  patientTab(): Promise<Page>;
  /** A tab of which its page believes that nobody sees it. */
  hiddenTab(): Promise<Page>;
}

/** What the browser itself prints when a request fails: here that is what a test is about. */
const FAILED_REQUEST = /^Failed to load resource/;

/** One site and one browser for a file of tests. Whatever a page prints as an error fails its test. */
export function startVisit(): Visit {
  let site: Site;
  let browser: Browser;
  let context: BrowserContext;
  let strays: string[] = [];

  beforeAll(async () => {
    site = await openSite();
    browser = await chromium.launch(await launchOptions());
  });
  beforeEach(async () => {
    strays = [];
    context = await browser.newContext();
    context.on('weberror', (error) => strays.push(String(error.error())));
    context.on('console', (message) => {
      if (message.type() === 'error' && !FAILED_REQUEST.test(message.text())) {
        strays.push(message.text());
      }
    });
  });
  afterEach(async () => {
    await context.close();
    site.reset();
    expect(strays, 'errors of pages').toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  return {
    get site() {
      return site;
    },
    get context() {
      return context;
    },
    async open(visitor, config, tab) {
      const page = tab ?? (await context.newPage());
      await page.goto(site.page(visitor, config));
      return page;
    },
    async patientTab() {
      const page = await context.newPage();
      await page.addInitScript(() => {
        const real = window.setTimeout;
        const patient = (work: () => void, ms = 0): number => real(work, ms < 100 ? 10 * ms : ms);
        Object.assign(window, { setTimeout: patient });
      });
      return page;
    },
    async hiddenTab() {
      const page = await context.newPage();
      await page.addInitScript(() => {
        Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
        Object.defineProperty(document, 'hidden', { get: () => true });
      });
      return page;
    },
  };
}

/**
 * Stops a page: no timer, no message, no answer reaches it. By the debugger, since the life-cycle
 * command for it (`Page.setWebLifecycleState`) does nothing to a visible page, and headless all are.
 *
 * @returns lets it go on, with all that has come meanwhile
 */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Debugger.enable');
  await session.send('Debugger.pause');
  return async () => {
    await session.send('Debugger.disable');
  };
}

/** The token that a page shows, once it shows one. */
export function tokenOf(page: Page): Promise<string | undefined> {
  return page.evaluate(async () => {
    await window.guest.until(({ shown }) => shown.status === 'success');
    return window.guest.shown.token;
  });
}

/** What a page's provider told. */
export function eventsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => window.guest.events.map(({ type }) => type));
}

/** Waits until a page shows this status. */
export function showing(page: Page, status: string): Promise<void> {
  return page.evaluate(
    (wanted) => window.guest.until(({ shown }) => shown.status === wanted),
    status,
  );
}
