import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest';
import { type Engine, launch, type Profile, type Tab } from './engines/engine.ts';
import type { PageConfig } from './page/main.tsx';
import { openSite, type PageOptions, type Site } from './site.ts';

/** The browser that these tests are run in. */
export const engine = inject('engine');

interface OpenOptions extends PageOptions {
  /** A tab to open the page in. Default: a new one. */
  readonly tab?: Tab | undefined;
  /** Nobody sees the new tab. */
  readonly hidden?: boolean | undefined;
}

export interface Visit {
  readonly site: Site;
  /** A tab with a page of the shop in it. */
  open(visitor: string, config?: PageConfig, options?: OpenOptions): Promise<Tab>;
  /** An empty tab. */
  newTab(): Promise<Tab>;
}

/** What the browser itself prints when a request fails: here that is what a test is about. */
const FAILED_REQUEST = /^Failed to load resource/;

/**
 * One site and one browser for a file of tests, a new profile for each of them. Whatever a page
 * prints as an error fails its test.
 */
export function startVisit(): Visit {
  let site: Site;
  let browser: Engine;
  let profile: Profile;
  let strays: string[] = [];

  beforeAll(async () => {
    site = await openSite();
    browser = await launch(engine);
  });
  beforeEach(async () => {
    strays = [];
    profile = await browser.newProfile((text) => {
      if (!FAILED_REQUEST.test(text)) strays.push(text);
    });
  });
  afterEach(async () => {
    await profile.close();
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
    newTab: () => profile.newTab(),
    async open(visitor, config, { tab, hidden, ...page } = {}) {
      const opened = tab ?? (await profile.newTab(hidden ? { hidden } : {}));
      await opened.goto(site.page(visitor, config, page));
      return opened;
    },
  };
}

/**
 * For `setup`: the page waits ten times as long for the other tabs' answer, since the machine may be
 * busy.
 */
export function patience(): void {
  const real = window.setTimeout;
  const patient = (work: () => void, ms = 0): number => real(work, ms < 100 ? 10 * ms : ms);
  Object.assign(window, { setTimeout: patient });
}

/** Stops a page, in an engine that can; returns what lets it go on. */
export function freeze(tab: Tab): Promise<() => Promise<void>> {
  if (!tab.freeze) throw new Error(`${engine} can not freeze a page.`);
  return tab.freeze();
}

/** The token that a page shows, once it shows one. */
export function tokenOf(tab: Tab): Promise<string | undefined> {
  return tab.evaluate(async () => {
    await window.guest.until(({ shown }) => shown.status === 'success');
    return window.guest.shown.token;
  });
}

/** What a page's provider told. */
export function eventsOf(tab: Tab): Promise<string[]> {
  return tab.evaluate(() => window.guest.events.map(({ type }) => type));
}

/** Waits until a page shows this status. */
export function showing(tab: Tab, status: string): Promise<void> {
  return tab.evaluate(
    (wanted) => window.guest.until(({ shown }) => shown.status === wanted),
    status,
  );
}

/** Loads the page of a tab again; resolves once it has been loaded. */
export async function reload(tab: Tab): Promise<void> {
  await tab.goto(await tab.evaluate(() => location.href));
}
