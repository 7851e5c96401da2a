import { describe, expect, it } from 'vitest';
import type { Tab } from './engines/engine.ts';
import { showing, startVisit, tokenOf } from './visit.ts';

const visit = startVisit();

/** Takes the provider off the page and puts it there again, 60 times within some 3 s. */
function remount(tab: Tab): Promise<void> {
  return tab.evaluate(async () => {
    const turn = () => new Promise((resolve) => setTimeout(resolve, 25));
    for (let time = 0; time < 60; time++) {
      window.guest.mount(false);
      await turn();
      window.guest.mount(true);
      await turn();
    }
  });
}

describe('a provider that is unmounted and mounted again 60 times', () => {
  it.each([
    ['a wait that the server has named', 429, { 'Retry-After': '240' }],
    ['the cool-down after an outage', 503, {}],
    ['the cool-down after a refusal', 403, {}],
  ])('makes no request during %s', async (_, status, headers) => {
    const { site, open } = visit;
    site.answer(() => new Response(null, { status, headers }), 200);
    // not shared, so that no question to other tabs holds up the next request
    const tab = await open('anna', { retry: { attempts: 1 }, shareAcrossTabs: false });
    await showing(tab, 'error');
    const askedBefore = site.asked;
    await remount(tab);
    await showing(tab, 'error');
    expect(site.asked).toBe(askedBefore);
  });
});

describe('two tabs that sign a visitor out and in again', () => {
  it('do not make a third tab ask more often than ten times a minute', async () => {
    const { site, open } = visit;
    const path = '/innocent';
    const innocent = await open('anna', {}, { path });
    await tokenOf(innocent);
    // these need no token, so that nobody but the third asks for one
    const config = { keepFresh: 'on-demand' } as const;
    const [first, second] = [await open('anna', config), await open('anna', config)];
    for (let time = 0; time < 15; time++) {
      for (const tab of [first, second]) {
        await tab.evaluate(async () => {
          window.guest.configure({ externalId: null });
          await new Promise((resolve) => setTimeout(resolve, 50));
          window.guest.configure({ externalId: 'anna' });
          await new Promise((resolve) => setTimeout(resolve, 200));
        });
      }
    }
    expect(site.askedBy(site.page('anna', {}, { path }))).toBeLessThanOrEqual(10);
  });
});
