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

test('three attempts, then an error that stays on screen and tells when it goes on', async () => {
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

test('during the cool-down getToken gets the same error without a request', async () => {
  const { page, source, asked } = await afterAFailedRound();
  const outcome = outcomeOf(page.view.getToken());
  await expect(page.view.getToken()).rejects.toBe(page.view.error);
  await pass(29 * SECOND);
  await expect(page.view.getToken()).rejects.toBe(page.view.error);
  expect(outcome.code).toBe('unavailable');
  expect(source.requests).toHaveLength(asked);
});

test('renewal goes on by itself after each cool-down, with no event at all', async () => {
  const { page, source } = await afterAFailedRound(down);
  await pass(HOUR);
  expect(page.view.status).toBe('error');
  source.answer = issuing();
  await pass(5 * MINUTE);
  expect(page.view).toMatchObject({ status: 'success', error: null, retryAtMs: undefined });
});

test('the error stays on screen through later rounds, so that nothing flickers', async () => {
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

test('after a success the cool-down begins at 30 s again', async () => {
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

test('forbidden is asked about again within 60 s, each time: someone is adding the role', async () => {
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

describe('a cool-down is ended', () => {
  test('by refresh()', async () => {
    const { page, source, asked } = await afterAFailedRound();
    source.answer = issuing();
    const refreshed = outcomeOf(page.view.refresh());
    await pass();
    expect(source.requests).toHaveLength(asked + 1);
    expect(refreshed.token).toBe(page.view.token);
    expect(page.view).toMatchObject({ status: 'success', error: null, retryAtMs: undefined });
  });

  test('by coming online', async () => {
    const { source, asked } = await afterAFailedRound();
    await setOnline(false);
    expect(source.requests).toHaveLength(asked);
    await setOnline(true);
    expect(source.requests).toHaveLength(asked + 1);
  });

  test('by becoming visible', async () => {
    const { source, asked } = await afterAFailedRound();
    await setVisible(false);
    expect(source.requests).toHaveLength(asked);
    await setVisible(true);
    expect(source.requests).toHaveLength(asked + 1);
  });

  test('by a new visitor', async () => {
    const { page, source, asked } = await afterAFailedRound();
    source.answer = issuing();
    page.update({ externalId: 'other' });
    await pass();
    expect(source.requests).toHaveLength(asked + 1);
    expect(page.view.status).toBe('success');
  });

  test('not by focus', async () => {
    const { source, asked } = await afterAFailedRound();
    await focusWindow();
    expect(source.requests).toHaveLength(asked);
  });
});

test('a wait between two attempts is cut short by coming online', async () => {
  const source = fakeSource(down);
  showWidget({ source });
  await pass(SECOND);
  source.answer = issuing();
  await setOnline(true);
  expect(source.requests).toHaveLength(2);
});

describe('a wait that the server named', () => {
  const tooMany = status(429, { 'Retry-After': '120' });

  test('longer than maxRetryAfterMs fails at once with retryAtMs, and is kept to', async () => {
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

  test('is ended by refresh()', async () => {
    const source = fakeSource(tooMany);
    const page = showWidget({ source });
    await pass();
    source.answer = issuing();
    outcomeOf(page.view.refresh());
    await pass();
    expect(page.view.status).toBe('success');
  });

  test('is ended by a new visitor', async () => {
    const source = fakeSource(tooMany);
    const page = showWidget({ source });
    await pass();
    source.answer = issuing();
    page.update({ externalId: 'other' });
    await pass();
    expect(page.view.status).toBe('success');
  });

  test('within a round is kept to when the page becomes visible or online', async () => {
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

  test('within a round is ended by refresh()', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '20' }));
    const page = showWidget({ source });
    await pass(SECOND);
    source.answer = issuing();
    const refreshed = outcomeOf(page.view.refresh());
    await pass();
    expect(refreshed.token).toMatch(/^ey/);
  });
});

describe('more than ten requests a minute', () => {
  test('by refresh() in a loop: rate_limited with retryAtMs, and the valid token is kept', async () => {
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

  test('never, though the source fails and every return to the page ends the cool-down', async () => {
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

  test('never, though the source says that it was aborted', async () => {
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

test('a short token is renewed at its time although refresh() was called in a loop before', async () => {
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
