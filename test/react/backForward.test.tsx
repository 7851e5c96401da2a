// The back/forward cache: a page that is put away, and one that comes back after others went on.
import { describe, expect, test } from 'vitest';
import {
  down,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  pass,
  SECOND,
  withFakeTime,
} from './page.tsx';
import {
  ASKING_MS,
  bringBack,
  openChannels,
  openTab,
  putAway,
  setTabVisible,
  type Tab,
  withTabs,
} from './tabs.tsx';

withFakeTime();
withTabs();

describe('a page that is put away', () => {
  test('pagehide closes the channel, and the visibilitychange that follows does not open one', async () => {
    const page = await openTab({ source: fakeSource() });
    expect(openChannels()).toBe(1);
    await page.happen(new PageTransitionEvent('pagehide', { persisted: true }));
    expect(openChannels()).toBe(0);
    await setTabVisible(page, false);
    expect(openChannels()).toBe(0);
  });

  test.for(['while-visible', 'always', 'on-demand'] as const)(
    'a page that is put away opens no channel until it is shown again (keepFresh "%s")',
    async (keepFresh) => {
      const source = fakeSource(issuing(HOUR));
      const page = await openTab({ source, keepFresh });
      await putAway(page);
      for (const event of ['focus', 'offline', 'online']) await page.happen(event);
      for (const event of ['resume', 'freeze']) await page.happen(event, document);
      outcomeOf(page.view.getToken());
      outcomeOf(page.view.refresh());
      page.update({ attributes: { page: '/' } });
      await pass(5 * SECOND);
      expect(openChannels()).toBe(0);
    },
  );

  test('a page that is put away during a request closes its channel', async () => {
    const source = fakeSource(issuing(HOUR, 5 * SECOND));
    const page = await openTab({ source });
    await putAway(page);
    expect(openChannels()).toBe(0);
    await pass(10 * SECOND);
    expect(openChannels()).toBe(0);
    await bringBack(page);
    await pass(10 * SECOND);
    expect(page.view.status).toBe('success');
  });

  test('a page that is shown again has one channel and hears the other tabs', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = await openTab({ source });
    await putAway(page);
    await bringBack(page);
    await pass(ASKING_MS);
    expect(openChannels()).toBe(1);
    const other = await openTab({ source });
    outcomeOf(other.view.refresh());
    await pass(SECOND);
    expect(page.view.token).toBe(other.view.token);
  });

  test('a widget that unmounts while its page is put away leaves no channel', async () => {
    const page = await openTab({ source: fakeSource() });
    await putAway(page);
    page.unmount();
    await bringBack(page);
    await pass(SECOND);
    expect(openChannels()).toBe(0);
  });
});

test('a page that is merely hidden still hears the other tabs', async () => {
  const source = fakeSource(issuing(HOUR));
  const hidden = await openTab({ source });
  const other = await openTab({ source });
  await setTabVisible(hidden, false);
  outcomeOf(other.view.refresh());
  await pass(SECOND);
  expect(hidden.view.token).toBe(other.view.token);
  expect(source.requests).toHaveLength(2);
});

describe('a page that comes back', () => {
  /** Brings a page back, and tells every token that it hands out or has on screen from then on. */
  async function tokensAfterReturn(page: Tab): Promise<Set<string | undefined>> {
    const outcomes: ReturnType<typeof outcomeOf>[] = [];
    await bringBack(page);
    const ask = (): unknown => outcomes.push(outcomeOf(page.view.getToken()));
    ask();
    await pass(ASKING_MS);
    page.probe.tokens.length = 0;
    for (let second = 0; second < 30; second++) {
      ask();
      await pass(SECOND);
    }
    return new Set([...outcomes.map(({ token }) => token), ...page.probe.tokens, page.view.token]);
  }

  const storages = ['memory', 'session'] as const;

  test.for(storages)(
    'a page that comes back never serves the token of a visitor who signed out in another tab (storage "%s")',
    async (storage) => {
      const source = fakeSource(issuing(HOUR));
      const page = await openTab({ source, storage });
      const other = await openTab({ source });
      const { token } = page.view;
      expect(other.view.token).toBe(token);
      await putAway(page);
      const kept = Object.entries(sessionStorage);
      other.update({ externalId: null });
      await pass(SECOND);
      // the other tab has a storage of its own
      for (const [key, value] of kept) sessionStorage.setItem(key, value);
      source.answer = down;
      expect(await tokensAfterReturn(page)).not.toContain(token);
      const late = await openTab({ source: fakeSource(down) });
      expect(late.view.token).toBeUndefined();
    },
  );

  test('a page that comes back never serves a token that the next page of its tab removed from storage', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = await openTab({ source, storage: 'session' });
    const { token } = page.view;
    await putAway(page);
    const next = await openTab({ source, storage: 'session' });
    expect(next.view.token).toBe(token);
    next.update({ externalId: null });
    await pass();
    await putAway(next);
    source.answer = down;
    expect(await tokensAfterReturn(page)).not.toContain(token);
    expect(JSON.stringify(Object.entries(sessionStorage))).not.toContain(token);
  });

  test('has its own token without a request where another tab still has it', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = await openTab({ source });
    await openTab({ source });
    const { token } = page.view;
    await putAway(page);
    expect(await tokensAfterReturn(page)).toEqual(new Set([token]));
    expect(source.requests).toHaveLength(1);
  });

  test('a page that comes back takes the token that another tab renewed, without a request', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = await openTab({ source: fakeSource(down) });
    const other = await openTab({ source });
    await pass(MINUTE);
    const { token } = page.view;
    expect(token).toBe(other.view.token);
    await putAway(page);
    outcomeOf(other.view.refresh());
    await pass(SECOND);
    expect(await tokensAfterReturn(page)).toEqual(new Set([other.view.token]));
    expect(other.view.token).not.toBe(token);
    expect(source.requests).toHaveLength(2);
  });

  test('a page that comes back takes the token that the next page of its tab renewed, if it shares with no tab', async () => {
    const source = fakeSource(issuing(HOUR));
    const alone = { source, storage: 'session', shareAcrossTabs: false } as const;
    const page = await openTab(alone);
    const { token } = page.view;
    await putAway(page);
    const next = await openTab(alone);
    outcomeOf(next.view.refresh());
    await pass(SECOND);
    await putAway(next);
    expect(await tokensAfterReturn(page)).toEqual(new Set([next.view.token]));
    expect(next.view.token).not.toBe(token);
    expect(source.requests).toHaveLength(2);
  });

  test('a page that comes back takes the token that the next page of its tab renewed, if no other tab is left to ask', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = await openTab({ source, storage: 'session' });
    const { token } = page.view;
    await putAway(page);
    const next = await openTab({ source, storage: 'session' });
    outcomeOf(next.view.refresh());
    await pass(SECOND);
    await putAway(next);
    expect(await tokensAfterReturn(page)).toEqual(new Set([next.view.token]));
    expect(next.view.token).not.toBe(token);
    expect(source.requests).toHaveLength(2);
  });

  test('a page that comes back keeps the token in session storage without a request if it shares with no tab', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = await openTab({ source, storage: 'session', shareAcrossTabs: false });
    const { token } = page.view;
    await putAway(page);
    await pass(10 * SECOND);
    expect(await tokensAfterReturn(page)).toEqual(new Set([token]));
    expect(source.requests).toHaveLength(1);
  });

  test.for(storages)(
    'a page that comes back alone has a token at the cost of at most one request (storage "%s")',
    async (storage) => {
      const source = fakeSource(issuing(HOUR));
      const page = await openTab({ source, storage });
      await putAway(page);
      await pass(10 * SECOND);
      await bringBack(page);
      await pass(SECOND);
      expect(page.view.status).toBe('success');
      expect(source.requests.length).toBeLessThanOrEqual(2);
    },
  );
});
