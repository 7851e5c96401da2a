import { describe, expect, test } from 'vitest';
import { allowConsole } from '../strays.ts';
import {
  down,
  type FakeSource,
  fakeSource,
  focusWindow,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  type Page,
  pass,
  SECOND,
  setOnline,
  setVisible,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';

withFakeTime();

/** A widget whose first round has failed: three attempts, 2 s apart. */
async function afterAFailedRound(
  answer = status(503),
): Promise<{ source: FakeSource; page: Page; asked: number }> {
  const source = fakeSource(answer);
  const page = showWidget({ source });
  await pass(4 * SECOND);
  return { source, page, asked: source.requests.length };
}

test('after three failed attempts the error stays on screen with the time of the next attempt', async () => {
  const source = fakeSource(status(503));
  const startedAtMs = Date.now();
  const page = showWidget({ source });
  await pass(4 * SECOND - 1);
  expect(page.view).toMatchObject({ status: 'pending', isFetching: true });
  expect(page.view.error?.code).toBe('unavailable');
  await pass(1);
  expect(source.askedAtMs.map((at) => at - startedAtMs)).toEqual([0, 2_000, 4_000]);
  expect(page.view).toMatchObject({ status: 'error', retryAtMs: startedAtMs + 34_000 });
});

test('getToken rejects with the same error during the cool-down and makes no request', async () => {
  const { page, source, asked } = await afterAFailedRound();
  const outcome = outcomeOf(page.view.getToken());
  await expect(page.view.getToken()).rejects.toBe(page.view.error);
  await pass(29 * SECOND);
  await expect(page.view.getToken()).rejects.toBe(page.view.error);
  expect(outcome.code).toBe('unavailable');
  expect(source.requests).toHaveLength(asked);
});

test('renewal continues by itself after each cool-down, without any event', async () => {
  const { page, source } = await afterAFailedRound(down);
  await pass(HOUR);
  expect(page.view.status).toBe('error');
  source.answer = issuing();
  await pass(5 * MINUTE);
  expect(page.view).toMatchObject({ status: 'success', error: null, retryAtMs: undefined });
});

test('the error stays on screen during later acquisitions', async () => {
  const { page } = await afterAFailedRound();
  const statuses = new Set<string>();
  for (let second = 0; second < 120; second++) {
    await pass(SECOND);
    statuses.add(page.view.status);
  }
  expect([...statuses]).toEqual(['error']);
});

test('cool-downs double from 30 s to 5 min', async () => {
  const { page, source } = await afterAFailedRound(status(400));
  await pass(30 * MINUTE);
  const waits = source.askedAtMs.map((at, n) => at - (source.askedAtMs[n - 1] ?? at)).slice(1);
  expect(waits.slice(0, 6)).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  expect(page.view.error?.code).toBe('rejected');
});

test('the cool-down starts at 30 s again after a success', async () => {
  const { page, source } = await afterAFailedRound(status(400));
  await pass(5 * MINUTE);
  source.answer = issuing();
  await pass(5 * MINUTE);
  expect(page.view.status).toBe('success');
  source.answer = status(400);
  outcomeOf(page.view.refresh());
  await pass();
  expect(page.view.retryAtMs).toBe(Date.now() + 30 * SECOND);
});

test('the cool-down after `forbidden` never exceeds 60 s, so that an added role takes effect soon', async () => {
  const source = fakeSource(status(403));
  const page = showWidget({ source });
  await pass();
  expect(source.requests).toHaveLength(2); // refused once more at once
  expect(page.view.error?.code).toBe('forbidden');
  await pass(10 * MINUTE);
  const rounds = source.askedAtMs.filter((_, n) => n % 2 === 0);
  const waits = rounds.map((at, n) => at - (rounds[n - 1] ?? at)).slice(1);
  expect(waits.slice(0, 4)).toEqual([30_000, 60_000, 60_000, 60_000]);
});

describe('the end of a cool-down', () => {
  test('refresh() ends the cool-down', async () => {
    const { page, source, asked } = await afterAFailedRound();
    source.answer = issuing();
    const refreshed = outcomeOf(page.view.refresh());
    await pass();
    expect(source.requests).toHaveLength(asked + 1);
    expect(refreshed.token).toBe(page.view.token);
    expect(page.view).toMatchObject({ status: 'success', error: null, retryAtMs: undefined });
  });

  test('coming online ends the cool-down', async () => {
    const { source, asked } = await afterAFailedRound();
    await setOnline(false);
    expect(source.requests).toHaveLength(asked);
    await setOnline(true);
    expect(source.requests).toHaveLength(asked + 1);
  });

  test('becoming visible ends the cool-down', async () => {
    const { source, asked } = await afterAFailedRound();
    await setVisible(false);
    expect(source.requests).toHaveLength(asked);
    await setVisible(true);
    expect(source.requests).toHaveLength(asked + 1);
  });

  test('a new visitor starts without a cool-down', async () => {
    const { page, source, asked } = await afterAFailedRound();
    source.answer = issuing();
    page.update({ externalId: 'other' });
    await pass();
    expect(source.requests).toHaveLength(asked + 1);
    expect(page.view.status).toBe('success');
  });

  test('focus does not end the cool-down', async () => {
    const { source, asked } = await afterAFailedRound();
    await focusWindow();
    expect(source.requests).toHaveLength(asked);
  });
});

test('coming online cuts the wait between two attempts short', async () => {
  const source = fakeSource(down);
  showWidget({ source });
  await pass(SECOND);
  source.answer = issuing();
  await setOnline(true);
  expect(source.requests).toHaveLength(2);
});

describe('a wait that the server asked for', () => {
  const tooMany = status(429, { 'Retry-After': '120' });

  test('a Retry-After longer than maxRetryAfterMs fails at once with retryAtMs, which only time ends', async () => {
    const source = fakeSource(tooMany);
    const page = showWidget({ source });
    await pass();
    const endsAtMs = Date.now() + 120 * SECOND;
    expect(page.view).toMatchObject({ status: 'error', retryAtMs: endsAtMs });
    expect(page.view.error).toMatchObject({ code: 'rate_limited', retryAtMs: endsAtMs });
    source.answer = issuing();
    await setVisible(false);
    await setVisible(true);
    await setOnline(false);
    await setOnline(true);
    await focusWindow();
    await expect(page.view.getToken()).rejects.toMatchObject({ code: 'rate_limited' });
    await pass(120 * SECOND - 1);
    expect(source.requests).toHaveLength(1);
    await pass(1);
    expect(source.requests).toHaveLength(2);
    expect(page.view.status).toBe('success');
  });

  test('refresh() ends a wait that the server asked for', async () => {
    const source = fakeSource(tooMany);
    const page = showWidget({ source });
    await pass();
    source.answer = issuing();
    outcomeOf(page.view.refresh());
    await pass();
    expect(page.view.status).toBe('success');
  });

  test('a new visitor does not wait for an earlier visitor’s Retry-After', async () => {
    const source = fakeSource(tooMany);
    const page = showWidget({ source });
    await pass();
    source.answer = issuing();
    page.update({ externalId: 'other' });
    await pass();
    expect(page.view.status).toBe('success');
  });

  test('becoming visible or online does not shorten a Retry-After between two attempts', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '20' }));
    const page = showWidget({ source });
    await pass(SECOND);
    expect(page.view).toMatchObject({ status: 'pending', retryAtMs: Date.now() + 19 * SECOND });
    source.answer = issuing();
    await setVisible(false);
    await setVisible(true);
    await setOnline(true);
    expect(source.requests).toHaveLength(1);
    await pass(19 * SECOND);
    expect(source.requests).toHaveLength(2);
  });

  test('refresh() ends a Retry-After between two attempts', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '20' }));
    const page = showWidget({ source });
    await pass(SECOND);
    source.answer = issuing();
    const refreshed = outcomeOf(page.view.refresh());
    await pass();
    expect(refreshed.token).toMatch(/^ey/);
  });
});

describe('the budget of ten requests a minute', () => {
  test('refresh() in a loop rejects with rate_limited after ten requests a minute and keeps the valid token', async () => {
    const source = fakeSource();
    const page = showWidget({ source });
    await pass();
    const firstAtMs = Date.now();
    const codes: (string | undefined)[] = [];
    for (let n = 0; n < 30; n++) {
      const outcome = outcomeOf(page.view.refresh());
      await pass(SECOND);
      codes.push(outcome.code);
    }
    expect(source.requests).toHaveLength(10);
    expect(codes.slice(0, 9)).toEqual(Array.from({ length: 9 }));
    expect(new Set(codes.slice(9))).toEqual(new Set(['rate_limited']));
    expect(page.view.status).toBe('success');
    expect(page.view.error).toMatchObject({ code: 'rate_limited', retryAtMs: firstAtMs + MINUTE });
    await pass(31 * SECOND);
    const later = outcomeOf(page.view.refresh());
    await pass();
    expect(later.token).toMatch(/^ey/);
  });

  test('a failing source receives at most ten requests a minute however often the page becomes visible', async () => {
    const { source } = await afterAFailedRound(status(400));
    for (let n = 0; n < 60; n++) {
      await setVisible(false);
      await setVisible(true);
      await pass(SECOND);
    }
    for (const at of source.askedAtMs) {
      const inAMinute = source.askedAtMs.filter((other) => other >= at && other < at + MINUTE);
      expect(inAMinute.length).toBeLessThanOrEqual(10);
    }
  });

  test('a source that rejects with AbortError is not requested in a loop', async () => {
    const source = fakeSource(() => {
      throw new DOMException('The user aborted a request.', 'AbortError');
    });
    const page = showWidget({ source });
    await pass(MINUTE);
    expect(page.view).toMatchObject({ status: 'error' });
    expect(page.view.error?.code).toBe('aborted');
    expect(source.requests.length).toBeLessThanOrEqual(2);
  });
});

test('a short-lived token is renewed on time even after refresh() has used up the request budget', async () => {
  allowConsole(/expiryBufferMs is cut/);
  const source = fakeSource(issuing(3 * MINUTE));
  const page = showWidget({ source });
  await pass();
  for (let n = 0; n < 60; n++) {
    outcomeOf(page.view.refresh());
    await pass(100);
  }
  await pass(10 * MINUTE);
  expect(page.view.status).toBe('success');
  const gaps = source.askedAtMs.map((at, n) => at - (source.askedAtMs[n - 1] ?? at));
  expect(Math.max(...gaps)).toBeLessThan(3 * MINUTE);
});
