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
  test('while-visible makes its first request when a page that opened in the background becomes visible', async () => {
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

  test('while-visible lets the token of a hidden page expire and acquires a new one on return', async () => {
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

  test('while-visible shows a stale token on return while it is being renewed', async () => {
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

  test('while-visible makes no request on return to a fresh token', async () => {
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
  test('always renews the token while the page is hidden', async () => {
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

  test('always recovers from failures while the page is hidden', async () => {
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
  test('on-demand makes no request by itself: at mount, at stale time, at expiry, on return', async () => {
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

  test('on-demand acquires a token for getToken, refresh and the guest fetch', async () => {
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

  test('on-demand acquires a token for the Suspense hook', async () => {
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

  test('on-demand makes no request by itself after a failure', async () => {
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

describe('getToken in a hidden page', () => {
  for (const keepFresh of ['while-visible', 'always', 'on-demand'] as const) {
    test(`${keepFresh} lets getToken wait for a first token and retry in a hidden page`, async () => {
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

    test(`${keepFresh} lets getToken return a fresh token in a hidden page without a request`, async () => {
      const source = fakeSource(issuing(HOUR));
      const page = showWidget({ source, keepFresh });
      page.view.getToken();
      await pass();
      await setVisible(false);
      await pass(30 * MINUTE);
      expect(await page.view.getToken()).toBe(page.view.token);
      expect(source.requests).toHaveLength(1);
    });

    test(`${keepFresh} lets getToken return a stale token in a hidden page and renew it in the background`, async () => {
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

test('a changed keepFresh takes effect at once', async () => {
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
