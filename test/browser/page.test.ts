import { describe, expect, it } from 'vitest';
import type { Tab } from './engines/engine.ts';
import { eventsOf, freeze, patience, reload, showing, startVisit, tokenOf } from './visit.ts';

const visit = startVisit();

/**
 * Into the back/forward cache and out of it, as a page sees it: told, stopped, and told again. Played,
 * since the headless browser has no such cache.
 */
async function leaveAndComeBack(page: Tab, meanwhile: () => Promise<unknown>): Promise<void> {
  await tell(page, 'pagehide');
  const thaw = await freeze(page);
  await meanwhile();
  await thaw();
  await tell(page, 'pageshow');
}

function tell(page: Tab, type: 'pagehide' | 'pageshow'): Promise<boolean> {
  return page.evaluate(
    (name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })),
    type,
  );
}

/** A page whose token was issued some seconds ago: a JWT's own time is in whole seconds. */
async function openSecondsAgo(): Promise<Tab> {
  const { site, open } = visit;
  site.sandbox.configure({ clockOffsetMs: -5_000 });
  const page = await open('anna', {}, { setup: [patience] });
  await tokenOf(page);
  site.sandbox.configure({ clockOffsetMs: 0 });
  return page;
}

describe('a page without a bundler', () => {
  it('has no process, and does not need one', async () => {
    const { site, open } = visit;
    // so short that the package has something to warn of
    site.sandbox.configure({ tokenLifeSeconds: 30 });
    const page = await open('anna');
    expect(await page.evaluate(() => typeof process)).toBe('undefined');
    await tokenOf(page);
    expect(await eventsOf(page)).toEqual(['acquiring', 'acquired']);
  });
});

describe('a strict content security policy', () => {
  // A violation is printed as an error, and that fails any test here.
  it('stops nothing of the package', async () => {
    const { site, open } = visit;
    const page = await open('anna', { storage: 'session' });
    await tokenOf(page);
    await reload(page);
    const { headers } = await fetch(site.page('anna'));
    expect(headers.get('Content-Security-Policy')).toMatch(
      /^default-src 'none'; script-src 'self'; .*require-trusted-types-for/,
    );
    await tokenOf(page);
    site.sandbox.revokeGuestTokens();
    const call = page.evaluate(async () => (await window.guest.fetch('/api/echo')).status);
    expect(await call).toBe(200);
    expect(await eventsOf(page)).toEqual(['rejected', 'acquiring', 'acquired']);
  });
});

describe('a request for a token', () => {
  it('is for any token at first, for a new one when one is refused', async () => {
    const { site, open } = visit;
    const first = await open('anna', { shareAcrossTabs: false });
    const token = await tokenOf(first);
    const second = await open('anna', { shareAcrossTabs: false });
    // the broker's pool serves both
    expect(await tokenOf(second)).toBe(token);
    expect(site.askedFresh).toEqual([false, false]);
    await second.evaluate(() => window.guest.refresh());
    expect(site.askedFresh).toEqual([false, false, true]);
    expect(site.sandbox.count('visitor')).toBe(2);
  });
});

describe('a page that comes back from the back/forward cache', () => {
  it('has its token again for one request where no other tab can confirm it', async () => {
    const { site, open } = visit;
    const page = await open('anna');
    const token = await tokenOf(page);
    await leaveAndComeBack(page, async () => undefined);
    await site.until(() => site.asked === 2);
    expect(await tokenOf(page)).toBe(token);
    expect(site.askedFresh).toEqual([false, false]);
    expect(site.sandbox.count('visitor')).toBe(1);
  });

  it('has its token again without a request where another tab has it, too', async () => {
    const { site, open } = visit;
    const page = await open('anna', {}, { setup: [patience] });
    const token = await tokenOf(page);
    const other = await open('anna', {}, { setup: [patience] });
    await tokenOf(other);
    await leaveAndComeBack(page, async () => undefined);
    await page.evaluate(() => window.guest.until(({ gotAtMs }) => gotAtMs().length === 2));
    expect(await tokenOf(page)).toBe(token);
    expect((await eventsOf(page)).at(-1)).toBe('shared');
    expect(site.asked).toBe(1);
  });

  it('has had no open channel there, which would keep it out of that cache', async () => {
    const { open } = visit;
    const page = await openSecondsAgo();
    const other = await open('anna', {}, { setup: [patience] });
    await tokenOf(other);
    const events = await eventsOf(page);
    await tell(page, 'pagehide');
    await other.evaluate(() => window.guest.refresh());
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
    expect(await eventsOf(page)).toEqual(events);
  });

  it('hears the other tabs again', async () => {
    const { site, open } = visit;
    const page = await openSecondsAgo();
    const other = await open('anna', {}, { setup: [patience] });
    await tokenOf(other);
    await leaveAndComeBack(page, async () => undefined);
    const token = await other.evaluate(() => window.guest.refresh());
    await page.evaluate(
      (renewed) => window.guest.until(({ shown }) => shown.token === renewed),
      token,
    );
    await other.evaluate(() => window.guest.configure({ externalId: null }));
    await showing(page, 'idle');
    expect(site.asked).toBe(2);
  });

  it('with a token that is over asks the other tabs before the network', async () => {
    const { site, open } = visit;
    // long enough to freeze the page before it renews by itself
    site.sandbox.configure({ tokenLifeSeconds: 6 });
    const config = { expiryBufferMs: 100 };
    const page = await open('anna', config, { setup: [patience] });
    await tokenOf(page);
    const other = await open('anna', config, { setup: [patience] });
    await tokenOf(other);
    await leaveAndComeBack(page, () => {
      site.sandbox.configure({ tokenLifeSeconds: 3_600 });
      return other.evaluate(() => window.guest.until(({ gotAtMs }) => gotAtMs().length === 2));
    });
    await page.evaluate(() => window.guest.until(({ gotAtMs }) => gotAtMs().length === 2));
    expect(await tokenOf(page)).toBe(await tokenOf(other));
    expect((await eventsOf(page)).at(-1)).toBe('shared');
    expect(site.asked).toBe(2);
  });
});
