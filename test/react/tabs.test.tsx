import { describe, expect, test, vi } from 'vitest';
import type { GuestTokenReply } from '../../src/index.ts';
import {
  down,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  type Page,
  pass,
  SECOND,
  withFakeTime,
} from './page.tsx';
import {
  ASKING_MS,
  openNextPage,
  openTab,
  openTabsAtOnce,
  type Tab,
  takeMessages,
  withTabs,
} from './tabs.tsx';

withFakeTime();
withTabs();

test('a second tab shows the first one’s token without a request', async () => {
  const source = fakeSource();
  const first = await openTab({ source });
  const second = await openTab({ source });
  expect(second.view).toMatchObject({ status: 'success', token: first.view.token });
  expect(source.requests).toHaveLength(1);
});

describe('what tabs tell each other', () => {
  /** Tabs with a token in hand, of which the first has acquired it. */
  async function openFive(): Promise<Tab[]> {
    const source = fakeSource(issuing(HOUR));
    const tabs: Tab[] = [];
    while (tabs.length < 5) tabs.push(await openTab({ source }));
    for (const tab of tabs) tab.update({ keepFresh: 'on-demand' });
    takeMessages();
    return tabs;
  }

  /** How long after each question a token was told. */
  function answers(): number[] {
    const messages = takeMessages();
    const askedAtMs = messages.find(({ type }) => type === 'ask')?.atMs ?? Number.NaN;
    return messages.filter(({ type }) => type === 'token').map(({ atMs }) => atMs - askedAtMs);
  }

  test('a new tab’s question has one answer, at once, however many tabs could give it', async () => {
    await openFive();
    for (let n = 0; n < 3; n++) {
      await openTab({ source: fakeSource(down) });
      expect(answers()).toEqual([0]);
    }
  });

  test('another tab answers where the one that should is silent, and the others are quiet then', async () => {
    const [first, ...others] = await openFive();
    vi.mocked(Math.random).mockReturnValueOnce(0.5).mockReturnValueOnce(0).mockReturnValue(0.9);
    first?.setAway(true);
    const late = await openTab({ source: fakeSource(down) });
    expect(late.view.token).toBe(others[0]?.view.token);
    expect(answers()).toEqual([10]);
  });

  test('the next question is answered at once where the tab that answered so far has been closed', async () => {
    const [first] = await openFive();
    first?.unmount();
    await pass(SECOND);
    await openTab({ source: fakeSource(down) });
    const delays = answers();
    expect(delays.length).toBeGreaterThan(0);
    expect(Math.max(...delays)).toBe(0);
  });

  test('a renewal is one question, to which nobody has an answer, and one new token', async () => {
    const [first] = await openFive();
    await pass(59 * MINUTE);
    outcomeOf(first?.view.getToken() ?? Promise.reject());
    await pass(SECOND);
    expect(takeMessages().map(({ type }) => type)).toEqual(['ask', 'token']);
  });

  test('a tab that gets its token from another one tells of no request', async () => {
    const source = fakeSource(issuing(HOUR));
    await openTab({ source });
    const second = await openTab({ source });
    await pass(SECOND);
    expect(second.events.map(({ type }) => type)).toEqual(['shared']);
  });
});

describe('tabs without Web Locks', () => {
  test.for([2, 5])(
    '%i tabs that make their requests in the same millisecond agree on one token, at each renewal too',
    async (count) => {
      const sources = Array.from({ length: count }, () => fakeSource(issuing(HOUR, SECOND)));
      const tabs = await openTabsAtOnce(...sources.map((source) => ({ source })));
      await pass(2 * SECOND);
      for (let renewal = 0; renewal < 4; renewal++) {
        const tokens = new Set(tabs.map(({ view }) => view.token));
        expect(tokens.size).toBe(1);
        expect(tokens).not.toContain(undefined);
        await pass(HOUR);
      }
    },
  );

  test('tabs that acquire tokens of unknown age in the same millisecond agree on one', async () => {
    let serial = 0;
    const answer = (): GuestTokenReply => ({
      id: 'guest-1',
      token: `opaque-${++serial}`,
      expires_in: 3_600,
    });
    const tabs = await openTabsAtOnce(
      { source: fakeSource(answer) },
      { source: fakeSource(answer) },
    );
    await pass(2 * SECOND);
    const [left, right] = tabs.map(({ view }) => view.token);
    expect(left).toMatch(/^opaque-/);
    expect(right).toBe(left);
  });
});

describe('an opaque token in several tabs', () => {
  let serial = 0;
  const opaque = (): GuestTokenReply => ({
    id: 'guest-1',
    token: `opaque-${++serial}`,
    created_time: new Date().toISOString(),
  });

  test('an opaque token is replaced in every tab by a newer one, whichever tab acquired it', async () => {
    const source = fakeSource(opaque);
    const first = await openTab({ source });
    const second = await openTab({ source });
    for (const tab of [second, first, second]) {
      await pass(MINUTE);
      const refreshed = outcomeOf(tab.view.refresh());
      await pass(SECOND);
      expect(refreshed.token).toBe(`opaque-${serial}`);
      expect(first.view.token).toBe(refreshed.token);
      expect(second.view.token).toBe(refreshed.token);
    }
    expect(source.requests).toHaveLength(4);
  });
});

describe('a clock turned back by 40 minutes beside a token 50 minutes old', () => {
  /** Checks every 10 s, up to an hour past the token's true end, that nobody shows it any more. */
  async function neverServes(tab: Page, token: string | undefined, leftMs: number): Promise<void> {
    await pass(leftMs - SECOND);
    for (let waitedMs = 0; waitedMs < HOUR; waitedMs += 10 * SECOND) {
      await pass(10 * SECOND);
      expect(tab.view.token).not.toBe(token);
      const got = outcomeOf(tab.view.getToken());
      await pass();
      expect(got.token).not.toBe(token);
    }
  }

  test('a new tab never serves a token past its true expiry after the clock was turned back', async () => {
    const first = await openTab({ source: fakeSource(issuing(HOUR)) });
    const { token } = first.view;
    first.update({ source: fakeSource(down) });
    await pass(50 * MINUTE - ASKING_MS);
    vi.setSystemTime(Date.now() - 40 * MINUTE);
    const second = await openTab({ source: fakeSource(down) });
    await neverServes(second, token, 10 * MINUTE - ASKING_MS);
  });

  test('a new tab uses a token for its remaining ten minutes after the clock was turned back', async () => {
    const first = await openTab({ source: fakeSource(issuing(HOUR)) });
    const { token } = first.view;
    await pass(50 * MINUTE - ASKING_MS);
    vi.setSystemTime(Date.now() - 40 * MINUTE);
    const source = fakeSource(down);
    const second = await openTab({ source });
    expect(second.view.token).toBe(token);
    await pass(8 * MINUTE);
    expect(second.view.token).toBe(token);
    expect(source.requests).toHaveLength(0);
  });

  test('a next page with session storage never serves a token past its true expiry after the clock was turned back', async () => {
    const first = await openTab({ source: fakeSource(issuing(HOUR)), storage: 'session' });
    const { token } = first.view;
    await pass(50 * MINUTE - ASKING_MS);
    vi.setSystemTime(Date.now() - 40 * MINUTE);
    const second = await openNextPage(first, { source: fakeSource(down), storage: 'session' });
    await neverServes(second, token, 10 * MINUTE - ASKING_MS);
  });
});

test('tabs share a token even if the clock was turned back to before its request', async () => {
  const first = await openTab({ source: fakeSource(issuing(HOUR)) });
  await pass(10 * MINUTE);
  vi.setSystemTime(Date.now() - 2 * HOUR);
  const source = fakeSource(down);
  const second = await openTab({ source });
  expect(second.view.token).toBe(first.view.token);
  expect(source.requests).toHaveLength(0);
});
