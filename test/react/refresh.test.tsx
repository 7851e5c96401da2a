import { expect, test } from 'vitest';
import type { GuestTokenReply } from '../../src/index.ts';
import {
  claims,
  down,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  never,
  outcomeOf,
  pass,
  reply,
  SECOND,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';

withFakeTime();

test('a token is renewed exactly a minute before it expires', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source });
  await pass();
  const first = page.view.token;
  await pass(59 * MINUTE - 1);
  expect(source.requests).toHaveLength(1);
  await pass(1);
  expect(source.requests).toHaveLength(2);
  expect(claims(page.view.token).jti).toBe(claims(first).jti + 1);
});

test('expiryBufferMs sets how long before expiry a token is renewed', async () => {
  const source = fakeSource(issuing(HOUR));
  showWidget({ source, expiryBufferMs: 10 * MINUTE });
  await pass(50 * MINUTE - 1);
  expect(source.requests).toHaveLength(1);
  await pass(1);
  expect(source.requests).toHaveLength(2);
});

test('a day of one-hour tokens costs one request an hour', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source });
  await pass(24 * HOUR);
  expect(source.requests).toHaveLength(25); // each used for 59 minutes
  expect(page.view.status).toBe('success');
});

test('the widget keeps its token during a renewal and shows isFetching', async () => {
  const source = fakeSource(issuing(HOUR, 3 * SECOND));
  const page = showWidget({ source });
  await pass();
  expect(page.view).toMatchObject({ status: 'pending', isFetching: true });
  await pass(3 * SECOND);
  expect(page.view).toMatchObject({ status: 'success', isFetching: false, error: null });
  await pass(59 * MINUTE - 3 * SECOND);
  expect(page.view).toMatchObject({ status: 'success', isFetching: true });
  await pass(3 * SECOND);
  expect(page.view).toMatchObject({ status: 'success', isFetching: false });
});

test('a token that cannot be renewed leaves the screen when it expires', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source });
  await pass();
  source.answer = down;
  await pass(HOUR - 1);
  expect(page.probe.shown).toMatch(/^success ey/);
  await pass(1);
  expect(page.probe.shown).toBe('error none');
  expect(page.view).toMatchObject({
    token: undefined,
    visitorId: undefined,
    expiresAtMs: undefined,
  });
});

test('the view has visitorId and expiresAtMs of the token', async () => {
  const startedAtMs = Date.now();
  const page = showWidget({ source: fakeSource(issuing(HOUR)) });
  await pass();
  expect(page.view).toMatchObject({
    visitorId: 'guest-1',
    expiresAtMs: startedAtMs + HOUR,
    retryAtMs: undefined,
  });
});

test('a token’s life counts from the start of the request, not from its reply', async () => {
  const startedAtMs = Date.now();
  const page = showWidget({ source: fakeSource(issuing(HOUR, 8 * SECOND)) });
  await pass(8 * SECOND);
  expect(page.view.expiresAtMs).toBe(startedAtMs + HOUR);
});

test('a failed renewal keeps the valid token, with error and retryAtMs beside it', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source });
  await pass();
  const { token } = page.view;
  source.answer = status(503);
  await pass(59 * MINUTE);
  expect(page.view).toMatchObject({ status: 'success', token, retryAtMs: Date.now() + 2 * SECOND });
  expect(page.view.error?.code).toBe('unavailable');
  await pass(4 * SECOND); // all three attempts
  expect(source.requests).toHaveLength(4);
  expect(page.view).toMatchObject({ status: 'success', token, isFetching: false });
  expect(page.view).toMatchObject({ retryAtMs: Date.now() + 30 * SECOND });
  source.answer = issuing(HOUR);
  await pass(30 * SECOND);
  expect(page.view).toMatchObject({ status: 'success', error: null, retryAtMs: undefined });
  expect(page.view.token).not.toBe(token);
});

test('getToken returns a stale token at once and renews it in the background', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source, keepFresh: 'on-demand' });
  const first = page.view.getToken();
  await pass();
  await pass(59 * MINUTE);
  source.answer = issuing(HOUR, SECOND);
  expect(await page.view.getToken()).toBe(await first);
  await pass();
  expect(source.requests).toHaveLength(2);
  await pass(SECOND);
  expect(await page.view.getToken()).not.toBe(await first);
});

test('a request is fresh at stale time, after expiry and for refresh()', async () => {
  const source = fakeSource(issuing(10 * MINUTE));
  const page = showWidget({ source });
  await pass();
  await pass(9 * MINUTE);
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
  page.view.refresh();
  await pass();
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true, true]);
  source.answer = down;
  await pass(10 * MINUTE);
  expect(page.view.token).toBeUndefined();
  expect(source.requests.slice(1).every(({ fresh }) => fresh)).toBe(true);
});

test('refresh() without a token makes a fresh request too', async () => {
  const source = fakeSource(status(400));
  const page = showWidget({ source });
  await pass();
  source.answer = issuing();
  const refreshed = page.view.refresh();
  await pass();
  await refreshed;
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
});

test('refresh() during a first request makes a fresh request of its own', async () => {
  const source = fakeSource(issuing(HOUR, 3 * SECOND));
  const page = showWidget({ source });
  await pass(SECOND);
  const waiting = outcomeOf(page.view.getToken());
  const refreshed = outcomeOf(page.view.refresh());
  const again = outcomeOf(page.view.refresh());
  await pass(10 * SECOND);
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
  expect(refreshed.token).toBe(page.view.token);
  expect(again.token).toBe(refreshed.token);
  expect(waiting.token).toMatch(/^ey/);
  expect(page.view).toMatchObject({ status: 'success', error: null });
});

test('refresh() during a first request that fails still makes a fresh request', async () => {
  const source = fakeSource(() => new Promise((_, reject) => setTimeout(reject, 3 * SECOND, 400)));
  const page = showWidget({ source });
  await pass(SECOND);
  const refreshed = outcomeOf(page.view.refresh());
  source.answer = issuing(HOUR);
  await pass(10 * SECOND);
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
  expect(refreshed.token).toBe(page.view.token);
});

test('refresh() during a renewal joins it, since a renewal is fresh already', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source });
  await pass();
  source.answer = issuing(HOUR, 3 * SECOND);
  await pass(59 * MINUTE + SECOND);
  const refreshed = outcomeOf(page.view.refresh());
  await pass(3 * SECOND);
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
  expect(refreshed.token).toBe(page.view.token);
});

test('refresh() replaces a fresh token, on screen too', async () => {
  const source = fakeSource();
  const page = showWidget({ source });
  await pass();
  const before = page.view.token;
  const refreshed = page.view.refresh();
  await pass();
  expect(await refreshed).not.toBe(before);
  expect(page.view.token).toBe(await refreshed);
  expect(await page.view.getToken()).toBe(await refreshed);
});

test('a failed refresh() rejects with the error and keeps the token', async () => {
  const source = fakeSource();
  const page = showWidget({ source });
  await pass();
  const before = page.view.token;
  source.answer = status(400);
  const refreshed = outcomeOf(page.view.refresh());
  await pass();
  expect(refreshed.code).toBe('rejected');
  expect(page.view).toMatchObject({ status: 'success', token: before });
  expect(page.view.error?.code).toBe('rejected');
});

test('a source that returns the same unexpired token is requested again after half of its remaining life', async () => {
  const same = { ...reply(HOUR) };
  const startedAtMs = Date.now();
  const source = fakeSource(() => ({
    ...same,
    expires_in: (startedAtMs + HOUR - Date.now()) / SECOND,
  }));
  const page = showWidget({ source });
  await pass(HOUR - 1);
  expect(page.view).toMatchObject({ status: 'success', error: null });
  const askedBeforeEndMs = source.askedAtMs.map((at) => startedAtMs + HOUR - at);
  expect(askedBeforeEndMs.slice(0, 5)).toEqual([HOUR, 60_000, 30_000, 15_000, 7_500]);
  expect(source.requests.length).toBeLessThanOrEqual(11);
});

test('an expired token that the source returns again is no_progress with a hint, not a loop', async () => {
  const dead = reply(HOUR);
  const source = fakeSource(() => dead);
  const page = showWidget({ source });
  await pass();
  source.answer = () => {
    const { expires_in, ...rest } = dead;
    return Date.now() < (page.view.expiresAtMs ?? 0) ? Promise.reject(new TypeError()) : rest;
  };
  await pass(HOUR);
  const askedBefore = source.requests.length;
  await pass(MINUTE);
  expect(page.view).toMatchObject({ status: 'error', token: undefined });
  expect(page.view.error).toMatchObject({ code: 'no_progress' });
  expect(page.view.error?.hint).toContain('Cache-Control: no-cache');
  expect(source.requests.length - askedBefore).toBeLessThanOrEqual(2);
});

test('a token that is expired on arrival is no_progress, and the next request is fresh', async () => {
  const source = fakeSource(() => ({ ...reply(), expires_in: 0 }));
  const page = showWidget({ source });
  await pass();
  expect(page.view).toMatchObject({ status: 'error', retryAtMs: Date.now() + 30 * SECOND });
  expect(page.view.error?.code).toBe('no_progress');
  expect(source.requests).toHaveLength(1);
  source.answer = ({ fresh }) => (fresh ? reply() : { ...reply(), expires_in: 0 });
  await pass(30 * SECOND);
  expect(page.view.status).toBe('success');
});

test('a source that never replies times out after 10 s and is requested again', async () => {
  const source = fakeSource(never);
  const page = showWidget({ source });
  await pass(10 * SECOND);
  expect(page.view.error?.code).toBe('timed_out');
  expect(source.signals[0]?.aborted).toBe(true);
  source.answer = issuing();
  await pass(2 * SECOND);
  expect(page.view).toMatchObject({ status: 'success', error: null });
});

const junk: unknown[] = [null, 'page', {}, { id: 'x', token: '' }, { id: '', token: 'abc' }];
test.for(junk)(
  'the reply %j is malformed_reply and is neither retried nor kept',
  async (answer) => {
    const source = fakeSource(() => answer as GuestTokenReply);
    const page = showWidget({ source });
    await pass(20 * SECOND);
    expect(page.view.error?.code).toBe('malformed_reply');
    expect(page.view.token).toBeUndefined();
    expect(source.requests).toHaveLength(1);
  },
);
