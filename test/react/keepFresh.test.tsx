import { Suspense } from 'react';
import { describe, expect, test } from 'vitest';
import { useSuspenseGuestToken } from '../../src/index.ts';
import {
  down,
  fakeSource,
  focusWindow,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  pass,
  SECOND,
  setOnline,
  setVisible,
  showWidget,
  sleepMachine,
  withFakeTime,
} from './page.tsx';
import { fakeServer } from './server.ts';

withFakeTime();

describe('while-visible, the default', () => {
  test('a page that opens in the background asks once it is looked at', async () => {
    await setVisible(false);
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source });
    await pass(3 * HOUR);
    await focusWindow();
    expect(source.requests).toHaveLength(0);
    expect(page.view).toMatchObject({ status: 'pending', isFetching: false });
    await setVisible(true);
    expect(source.requests).toHaveLength(1);
    expect(page.view.status).toBe('success');
  });

  test('a hidden page asks nothing, drops its token at the end, and asks on return', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source });
    await pass();
    await setVisible(false);
    await pass(HOUR - 1);
    expect(page.view.status).toBe('success');
    await pass(1);
    expect(page.probe.shown).toBe('pending none');
    await pass(5 * HOUR);
    await setOnline(true);
    expect(source.requests).toHaveLength(1);
    await setVisible(true);
    expect(source.requests).toHaveLength(2);
    expect(page.view.status).toBe('success');
  });

  test('return to a stale token shows it while it is being replaced', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source });
    await pass();
    const stale = page.view.token;
    await setVisible(false);
    await pass(59 * MINUTE + SECOND);
    source.answer = issuing(HOUR, SECOND);
    await setVisible(true);
    expect(page.view).toMatchObject({ status: 'success', token: stale, isFetching: true });
    await pass(SECOND);
    expect(page.view.token).not.toBe(stale);
  });

  test('return to a fresh token asks nothing', async () => {
    const source = fakeSource(issuing(HOUR));
    showWidget({ source });
    await pass();
    await setVisible(false);
    await pass(30 * MINUTE);
    await setVisible(true);
    expect(source.requests).toHaveLength(1);
  });
});

describe('always', () => {
  test('keeps an open conversation alive while the page is hidden', async () => {
    await setVisible(false);
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source, keepFresh: 'always' });
    await pass();
    expect(page.view.status).toBe('success');
    for (let hour = 0; hour < 10; hour++) {
      await pass(HOUR);
      expect(page.view.status).toBe('success');
    }
    expect(source.requests).toHaveLength(11);
  });

  test('recovers in a hidden page too', async () => {
    await setVisible(false);
    const source = fakeSource(down);
    const page = showWidget({ source, keepFresh: 'always' });
    await pass(10 * SECOND);
    expect(page.view.status).toBe('error');
    source.answer = issuing(HOUR);
    await pass(MINUTE);
    expect(page.view.status).toBe('success');
  });
});

describe('on-demand', () => {
  test('asks nothing by itself: at mount, at stale time, at the end, on return', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source, keepFresh: 'on-demand' });
    await pass(HOUR);
    await focusWindow();
    expect(source.requests).toHaveLength(0);
    expect(page.view).toMatchObject({ status: 'pending', isFetching: false });
    page.view.getToken();
    await pass();
    expect(page.view.status).toBe('success');
    await pass(HOUR - 1);
    expect(page.view.status).toBe('success');
    await pass(1);
    expect(page.probe.shown).toBe('pending none');
    await setVisible(false);
    await setVisible(true);
    sleepMachine(HOUR);
    await pass(HOUR);
    expect(source.requests).toHaveLength(1);
  });

  test('getToken, refresh() and the guest fetch ask', async () => {
    const server = fakeServer();
    for (const ask of ['getToken', 'refresh', 'fetch'] as const) {
      const source = fakeSource();
      const page = showWidget({ source, externalId: ask, keepFresh: 'on-demand' });
      await pass(MINUTE);
      expect(source.requests).toHaveLength(0);
      const got = outcomeOf(ask === 'fetch' ? page.fetch('/api') : page.view[ask]());
      await pass();
      expect(source.requests).toHaveLength(1);
      expect(page.view.status).toBe('success');
      expect(got.token ?? server.calls[0]?.token).toBe(page.view.token);
      page.unmount();
    }
  });

  test('the Suspense hook asks', async () => {
    function Secret() {
      return <p>{useSuspenseGuestToken().token}</p>;
    }
    const source = fakeSource();
    const { probe } = showWidget({
      source,
      keepFresh: 'on-demand',
      children: (
        <Suspense fallback="connecting">
          <Secret />
        </Suspense>
      ),
    });
    expect(probe.shown).toBe('connecting');
    await pass();
    await pass();
    expect(probe.shown).toMatch(/^ey/);
    expect(source.requests).toHaveLength(1);
  });

  test('a failed call is not followed by requests that nobody has asked for', async () => {
    const source = fakeSource(down);
    const page = showWidget({ source, keepFresh: 'on-demand' });
    const got = outcomeOf(page.view.getToken());
    await pass(4 * SECOND);
    expect(got.code).toBe('unreachable');
    await pass(HOUR);
    expect(source.requests).toHaveLength(3); // the three attempts of the one round
    source.answer = issuing();
    expect(outcomeOf(page.view.getToken())).toEqual({});
    await pass();
    expect(page.view.status).toBe('success');
  });
});

describe('getToken in a hidden page, in every mode', () => {
  for (const keepFresh of ['while-visible', 'always', 'on-demand'] as const) {
    test(`${keepFresh}: waits for a token when there is none, and retries though hidden`, async () => {
      await setVisible(false);
      const source = fakeSource(down);
      const page = showWidget({ source, keepFresh });
      const got = outcomeOf(page.view.getToken());
      await pass();
      source.answer = issuing(HOUR, SECOND);
      await pass(2 * SECOND);
      expect(got).toEqual({});
      await pass(SECOND);
      expect(got.token).toBe(page.view.token);
      expect(source.requests).toHaveLength(2);
    });

    test(`${keepFresh}: hands out a fresh token without a request`, async () => {
      const source = fakeSource(issuing(HOUR));
      const page = showWidget({ source, keepFresh });
      page.view.getToken();
      await pass();
      await setVisible(false);
      await pass(30 * MINUTE);
      expect(await page.view.getToken()).toBe(page.view.token);
      expect(source.requests).toHaveLength(1);
    });

    test(`${keepFresh}: hands out a stale token at once and replaces it behind`, async () => {
      const source = fakeSource(issuing(HOUR));
      const page = showWidget({ source, keepFresh });
      page.view.getToken();
      await pass();
      const stale = page.view.token;
      await setVisible(false);
      sleepMachine(59 * MINUTE);
      source.answer = issuing(HOUR, SECOND);
      expect(await page.view.getToken()).toBe(stale);
      await pass();
      expect(source.requests).toHaveLength(2);
      await pass(SECOND);
      expect(page.view.token).not.toBe(stale);
    });
  }
});

test('changing keepFresh takes effect at once', async () => {
  await setVisible(false);
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source, keepFresh: 'on-demand' });
  await pass(MINUTE);
  page.update({ keepFresh: 'while-visible' });
  await pass(MINUTE);
  expect(source.requests).toHaveLength(0);
  page.update({ keepFresh: 'always' });
  await pass();
  expect(source.requests).toHaveLength(1);
  page.update({ keepFresh: 'on-demand' });
  await pass(2 * HOUR);
  expect(source.requests).toHaveLength(1);
});
