// A session alone, without React: what it answers to those who act on it.
import { describe, expect, test, vi } from 'vitest';
import { guestTokenQueryOptions } from '../../src/session/guestTokenQuery.ts';
import { type GuestTokenConfig, guestTokenSettings } from '../../src/session/settings.ts';
import { fakeTokenSource } from '../../src/testing/index.ts';
import { withFakeClocks } from '../fakeClocks.ts';
import { allowConsole } from '../strays.ts';
import { openSession } from './openSession.ts';

withFakeClocks();

async function openWithToken() {
  const source = fakeTokenSource();
  const session = openSession({ source });
  const { value } = await session.flight.getToken();
  return { source, session, value };
}

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe('reject', () => {
  test('a refused token is replaced at once, though nobody asks for it', async () => {
    const { source, session, value } = await openWithToken();
    expect(session.reject(value)).toBe(true);
    await settle();
    expect(source.requests).toHaveLength(2);
  });

  test('a refused token that can not be replaced now leaves the response to the caller', async () => {
    const { source, session, value } = await openWithToken();
    expect(session.rejectReplacement()).toBe(false);
    expect(session.reject(value)).toBe(false);
    await settle();
    expect(source.requests).toHaveLength(1);
  });

  test('an older token was refused: there is a newer one', async () => {
    const { source, session, value } = await openWithToken();
    await session.refresh();
    expect(session.reject(value)).toBe(true);
    await settle();
    expect(source.requests).toHaveLength(2);
  });

  test('a token was refused that has ended since: one can be had', () => {
    const source = fakeTokenSource();
    expect(openSession({ source }).reject('an old token')).toBe(true);
    expect(source.requests).toHaveLength(0);
  });
});

test('a component that suspends waits out the pause of an acquisition that was aborted', async () => {
  const source = fakeTokenSource();
  source.fail('rate_limited', { retryAtMs: Date.now() + 30_000 });
  const session = openSession({ source });
  session.flight.acquire().catch(() => undefined);
  await settle();
  session.flight.abort();
  source.recover();
  let isSettled = false;
  session.acquireForSuspense(false).then(() => {
    isSettled = true;
  });
  await settle(29_999);
  expect(source.requests).toHaveLength(1);
  expect(isSettled).toBe(false);
  await settle(1);
  expect(source.requests).toHaveLength(2);
  expect(isSettled).toBe(true);
});

test('an offline page and a spent request budget say so', async () => {
  allowConsole(/unreachable|rate_limited/);
  const session = openSession({ source: fakeTokenSource() });
  vi.stubGlobal('navigator', { onLine: false });
  const offline = expect(session.flight.getToken()).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('The page is offline.'),
  });
  await settle(10_000);
  await offline;
  vi.stubGlobal('navigator', { onLine: true });
  for (let requests = 0; requests < 10; requests++) await session.refresh();
  await expect(session.refresh()).rejects.toMatchObject({
    code: 'rate_limited',
    message: expect.stringContaining('The source was asked 10 times in a minute.'),
    retryAtMs: Date.now() + 60_000,
  });
});

test('the query key names who the token is for and where it comes from', () => {
  const keyOf = (config: Partial<GuestTokenConfig>) =>
    guestTokenQueryOptions({ externalId: 'ada', ...config }).queryKey;
  const source = async () => ({ id: 'ada', token: 'opaque', expires_in: 60 });
  expect(keyOf({})).toEqual([
    'guest-token',
    { externalId: 'ada', channelId: 'webchat-default', source: '/api/guest-token' },
  ]);
  expect(keyOf({ source })[1].source).toBe('custom');
  expect(keyOf({ source: Object.assign(source, { key: 'mine' }) })[1].source).toBe('mine');
});

describe('settings', () => {
  const attributes = (page: string) =>
    guestTokenSettings({ externalId: 'ada', attributes: { page } });

  test('those of the latest render count as long as no provider shows the session', async () => {
    const source = fakeTokenSource();
    const session = openSession({ source, attributes: { page: '/' } });
    session.prepare({ ...attributes('/pricing'), externalId: 'ada', source });
    await session.flight.getToken();
    expect(source.requests[0]?.attributes).toEqual({ page: '/pricing' });
  });

  test('a render does not replace those of a provider that shows the session', async () => {
    const source = fakeTokenSource();
    const session = openSession({ source, attributes: { page: '/' } });
    session.watch(source, () => false);
    session.prepare({ ...attributes('/pricing'), externalId: 'ada', source });
    await session.flight.getToken();
    expect(source.requests[0]?.attributes).toEqual({ page: '/' });
  });
});
