import { describe, expect, it } from 'vitest';
import type { Tab } from './engines/engine.ts';
import { eventsOf, patience, startVisit, tokenOf } from './visit.ts';

declare global {
  interface Window {
    /** Set before the page is left, so that a page which is loaded anew has none. */
    wasLeft: boolean | undefined;
    /** What the page is handed out in the turn after it has come back from the cache. */
    handedOut: Promise<string> | undefined;
  }
  interface PerformanceNavigationTiming {
    /** Chromium's: why the page was not in the cache. */
    readonly notRestoredReasons?: { readonly reasons: readonly { readonly reason: string }[] };
  }
}

const visit = startVisit();

/** For `setup`: asks for the token right after the page has come back. */
function askOnReturn(): void {
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    setTimeout(() => {
      window.handedOut = window.guest.getToken().catch((error) => `No token: ${error}`);
    });
  });
}

const setup = [askOnReturn, patience];

/** A page that was left for another one and is in the back/forward cache, and another tab. */
async function putAway(storage: 'memory' | 'session' = 'memory') {
  const { site, open } = visit;
  // a token's own time is in whole seconds: one of now is newer
  site.sandbox.configure({ clockOffsetMs: -5_000 });
  const page = await open('anna', { storage }, { setup });
  const token = await tokenOf(page);
  site.sandbox.configure({ clockOffsetMs: 0 });
  const other = await open('anna', { storage }, { setup });
  expect(await tokenOf(other)).toBe(token);
  await page.evaluate(() => {
    window.wasLeft = true;
  });
  await page.goto(site.emptyPage);
  return { page, other, token };
}

/** Goes back; resolves once the page before is there again, out of the cache or loaded anew. */
async function goBack(tab: Tab): Promise<void> {
  const left = await tab.evaluate(() => location.href);
  // while one page goes and the other comes, there may be none to answer
  await tab.evaluate(() => history.back()).catch(() => undefined);
  const arrived = (): Promise<boolean> =>
    tab.evaluate((before) => location.href !== before && document.readyState === 'complete', left);
  await expect.poll(() => arrived().catch(() => false), { timeout: 10_000 }).toBe(true);
}

/** Comes back, and makes sure that it is the page of before; returns what it was handed out. */
async function comeBack(page: Tab): Promise<string | undefined> {
  await goBack(page);
  const { wasLeft, reasons } = await page.evaluate(() => {
    const [navigation] = performance.getEntriesByType('navigation');
    const { notRestoredReasons } = navigation as PerformanceNavigationTiming;
    const reasons = notRestoredReasons?.reasons.map(({ reason }) => reason) ?? [];
    return { wasLeft: window.wasLeft, reasons };
  });
  expect({ wasLeft, reasons }).toEqual({ wasLeft: true, reasons: [] });
  // the event may come later than the page
  await expect.poll(() => page.evaluate(() => 'handedOut' in window)).toBe(true);
  return page.evaluate(() => window.handedOut);
}

// How many requests that costs is for tests with fake time: here the other tab may be too busy to answer.
describe('a page in the back/forward cache', () => {
  it('stays there while another tab gets a token, and has that token when it comes back', async () => {
    const { page, other, token } = await putAway();
    const renewed = await other.evaluate(() => window.guest.refresh());
    expect(renewed).not.toBe(token);
    expect(await comeBack(page)).toBe(renewed);
    expect(await tokenOf(page)).toBe(renewed);
  });

  it('comes back with its token where another tab still has it', async () => {
    const { page, token } = await putAway();
    expect(await comeBack(page)).toBe(token);
    expect(await tokenOf(page)).toBe(token);
  });

  it.each(['memory', 'session'] as const)(
    'neither shows nor hands out nor shares the token of a visitor who has signed out meanwhile (storage="%s")',
    async (storage) => {
      const { site, open } = visit;
      const { page, other, token } = await putAway(storage);
      await other.evaluate(() => {
        window.guest.configure({ externalId: null });
        return window.guest.until(({ shown }) => shown.status === 'idle');
      });
      site.answer(() => new Response(null, { status: 401 }), 10);

      expect(await comeBack(page)).toMatch(/^No token: /);
      await page.evaluate(() => window.guest.until(({ shown }) => shown.token === undefined));
      const stored = await page.evaluate(() => Object.values(sessionStorage).join());
      expect(stored).not.toContain(token);
      const later = await open('anna', {}, { setup });
      await later.evaluate(() => window.guest.until(({ shown }) => shown.status !== 'pending'));
      expect(await eventsOf(later)).not.toContain('shared');
    },
  );
});
