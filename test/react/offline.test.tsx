import { describe, expect, test, vi } from 'vitest';
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
  withFakeTime,
} from './page.tsx';

withFakeTime();

describe('a page that opens offline', () => {
  test('a page that opens offline makes no request and reports unreachable without retryAtMs', async () => {
    await setOnline(false);
    const source = fakeSource();
    const page = showWidget({ source });
    await pass();
    for (let n = 0; n < 10; n++) {
      expect(page.view.token).toBeUndefined();
      expect(page.view.error?.code).toBe('unreachable');
      expect(page.view.retryAtMs).toBeUndefined();
      await focusWindow();
      await setVisible(true);
      await pass(MINUTE);
    }
    expect(source.requests).toHaveLength(0);
  });

  test('a page that opened offline makes its first request when it comes online and keeps all attempts', async () => {
    await setOnline(false);
    const source = fakeSource(down);
    const page = showWidget({ source });
    await pass(10 * MINUTE);
    const startedAtMs = Date.now();
    await setOnline(true);
    expect(source.requests).toHaveLength(1);
    await pass(MINUTE / 2 - SECOND);
    expect(source.askedAtMs.map((at) => at - startedAtMs)).toEqual([0, 2_000, 4_000]);
    expect(page.events.filter(({ type }) => type === 'acquiring')).toMatchObject([
      { attempt: 1 },
      { attempt: 2 },
      { attempt: 3 },
    ]);
  });

  test('a page that opened offline recovers however late it comes online', async () => {
    await setOnline(false);
    const source = fakeSource();
    const page = showWidget({ source });
    await pass(10 * HOUR);
    await setOnline(true);
    expect(page.view).toMatchObject({ status: 'success', error: null, retryAtMs: undefined });
    expect(source.requests).toHaveLength(1);
  });
});

describe('a page without a token that is offline', () => {
  test('getToken without a token rejects with unreachable after 10 s offline', async () => {
    await setOnline(false);
    const page = showWidget({ source: fakeSource() });
    const got = outcomeOf(page.view.getToken());
    await pass(10 * SECOND - 1);
    expect(got).toEqual({});
    await pass(1);
    expect(got.code).toBe('unreachable');
  });

  test('a later getToken also rejects within 10 s offline', async () => {
    await setOnline(false);
    const page = showWidget({ source: fakeSource() });
    await pass(HOUR);
    const got = outcomeOf(page.view.getToken());
    await pass(10 * SECOND);
    expect(got.code).toBe('unreachable');
  });

  test('getToken called after coming online waits for the token', async () => {
    await setOnline(false);
    const page = showWidget({ source: fakeSource(issuing(HOUR, 3 * SECOND)) });
    await pass(MINUTE);
    await setOnline(true);
    const got = outcomeOf(page.view.getToken());
    await pass(3 * SECOND);
    expect(got.token).toBe(page.view.token);
    expect(got.token).toMatch(/^ey/);
  });

  test('getToken and refresh() resolve if the page comes online within 10 s', async () => {
    await setOnline(false);
    const source = fakeSource();
    const page = showWidget({ source });
    await pass();
    const got = outcomeOf(page.view.getToken());
    const refreshed = outcomeOf(page.view.refresh());
    await pass(9 * SECOND);
    await setOnline(true);
    expect(got.token).toBe(page.view.token);
    expect(refreshed.token).toBe(page.view.token);
    expect(source.requests).toHaveLength(1);
  });

  test('refresh() rejects after 10 s offline and makes no request', async () => {
    await setOnline(false);
    const source = fakeSource();
    const page = showWidget({ source });
    const refreshed = outcomeOf(page.view.refresh());
    await pass(10 * SECOND);
    expect(refreshed.code).toBe('unreachable');
    expect(source.requests).toHaveLength(0);
  });
});

describe('a page with a token that goes offline', () => {
  test('a page that goes offline keeps its token until it expires, with unreachable beside it once it is stale', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source });
    await pass();
    const { token } = page.view;
    await setOnline(false);
    await pass(59 * MINUTE);
    expect(page.view).toMatchObject({ status: 'success', token, retryAtMs: undefined });
    expect(page.view.error?.code).toBe('unreachable');
    expect(await page.view.getToken()).toBe(token);
    await pass(MINUTE);
    expect(page.view.token).toBeUndefined();
    expect(page.view.error?.code).toBe('unreachable');
    await pass(HOUR);
    expect(source.requests).toHaveLength(1);
    await setOnline(true);
    expect(page.view).toMatchObject({ status: 'success', error: null });
    expect(source.requests).toHaveLength(2);
  });

  test('a page that is back online before its token is stale makes no request', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source });
    await pass();
    await setOnline(false);
    await pass(30 * MINUTE);
    await setOnline(true);
    expect(source.requests).toHaveLength(1);
    expect(page.view.error).toBeNull();
  });
});

test('going offline between two attempts uses up none of them', async () => {
  const source = fakeSource(down);
  const page = showWidget({ source });
  await pass();
  await setOnline(false);
  await pass(10 * MINUTE);
  expect(source.requests).toHaveLength(1);
  expect(page.view.retryAtMs).toBeUndefined();
  await setOnline(true);
  expect(source.requests).toHaveLength(2);
  await pass(5 * SECOND);
  // a round of its own: none of its three attempts was lost
  expect(source.requests).toHaveLength(4);
  expect(page.view.status).toBe('error');
});

test('a page that comes online without an event makes a request within 30 s', async () => {
  await setOnline(false);
  const source = fakeSource();
  const page = showWidget({ source });
  await pass(MINUTE);
  vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(true);
  await pass(30 * SECOND);
  expect(page.view.status).toBe('success');
});
