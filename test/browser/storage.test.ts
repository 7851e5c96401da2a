import { describe, expect, it } from 'vitest';
import type { Tab } from './engines/engine.ts';
import { eventsOf, reload, startVisit, tokenOf } from './visit.ts';

const visit = startVisit();

const config = { storage: 'session', shareAcrossTabs: false } as const;

/** What a page has left in the browser. */
function stored(page: Tab): Promise<string[]> {
  return page.evaluate(() => [
    ...Object.values(sessionStorage),
    ...Object.values(localStorage),
    document.cookie,
  ]);
}

describe('storage="session"', () => {
  it('has the token on each page of a site with many pages, for one request', async () => {
    const { site, open } = visit;
    const page = await open('anna', config);
    const token = await tokenOf(page);
    for (const path of ['/cart', '/help', '/']) {
      await page.goto(site.page('anna', config, { path }));
      expect(await tokenOf(page)).toBe(token);
      expect(await eventsOf(page)).toEqual([]);
    }
    await reload(page);
    expect(await tokenOf(page)).toBe(token);
    expect(site.asked).toBe(1);
  });

  it('keeps visitors apart', async () => {
    const { site, open } = visit;
    const page = await open('anna', config);
    const token = await tokenOf(page);
    await open('ben', config, { tab: page });
    expect(await tokenOf(page)).not.toBe(token);
    await open('anna', config, { tab: page });
    expect(await tokenOf(page)).toBe(token);
    expect(site.asked).toBe(2);
  });

  it('holds nothing after sign-out', async () => {
    const { open } = visit;
    const page = await open('anna', config);
    const token = await tokenOf(page);
    expect((await stored(page)).join()).toContain(token);
    await page.evaluate(() => {
      window.guest.configure({ externalId: null });
      return window.guest.until(({ shown }) => shown.status === 'idle');
    });
    expect((await stored(page)).join()).not.toContain(token);
  });

  it.each([
    'no JSON',
    '""',
    'null',
    '{}',
    '[]',
    '{"id":"mallory","token":"forged"}',
    '{"id":"mallory","token":"forged","expires_in":9e99,"sharedAtMs":9e99}',
    '{"id":"mallory","token":"forged","expires_in":60,"sharedAtMs":0}',
    '{"id":"mallory","token":"forged\\r\\nX-Evil: 1","expires_in":1e6,"sharedAtMs":1e12}',
  ])('that holds %s is as good as empty', async (junk) => {
    const { site, open } = visit;
    const page = await open('anna', config);
    await tokenOf(page);
    // a page that is left writes its token once more
    await page.goto(site.emptyPage);
    await page.evaluate((value) => {
      for (const key of Object.keys(sessionStorage)) sessionStorage.setItem(key, value);
    }, junk);
    await open('anna', config, { tab: page });
    expect(await tokenOf(page)).toBe(site.sandbox.issued.at(-1)?.token);
    expect(site.asked).toBe(2);
  });

  it.each([
    [
      'blocked',
      () =>
        Object.defineProperty(window, 'sessionStorage', {
          get() {
            throw new DOMException('', 'SecurityError');
          },
        }),
    ],
    [
      'full',
      () => {
        Storage.prototype.setItem = () => {
          throw new DOMException('', 'QuotaExceededError');
        };
      },
    ],
  ])('that is %s degrades to memory, and says so', async (_, break_) => {
    const { site, open } = visit;
    const page = await open('anna', config, { setup: [break_] });
    await tokenOf(page);
    expect(await eventsOf(page)).toContain('storage-failed');
    await reload(page);
    await tokenOf(page);
    expect(site.asked).toBe(2);
  });
});

describe('storage="memory"', () => {
  it('leaves nothing in the browser', async () => {
    const { open } = visit;
    const page = await open('anna');
    await tokenOf(page);
    expect(await stored(page)).toEqual(['']);
  });
});
