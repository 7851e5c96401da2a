// A session alone, without React: what it answers to those who act on it.
import { QueryClient } from '@tanstack/react-query';
import { describe, expect, test, vi } from 'vitest';
import { guestTokenQueryOptions, sessionOpener } from '../../src/session/guestTokenQuery.ts';
import type { GuestTokenSession } from '../../src/session/session.ts';
import { type GuestTokenConfig, guestTokenSettings } from '../../src/session/settings.ts';
import { fakeTokenSource } from '../../src/testing/index.ts';
import { withFakeDays } from './fakeDays.ts';

withFakeDays();

function open(config: Omit<GuestTokenConfig, 'externalId'> = {}): GuestTokenSession {
  const settings = guestTokenSettings({ externalId: 'ada', ...config });
  const session = sessionOpener(new QueryClient(), settings, true)();
  if (!session) throw new Error('A visitor has a session.');
  return session;
}

const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

describe('reject', () => {
  test('a refused token is replaced at once, though nobody asks for it', async () => {
    const source = fakeTokenSource();
    const session = open({ source });
    const { value } = await session.flight.getToken();
    expect(session.reject(value)).toBe(true);
    await settle();
    expect(source.requests).toHaveLength(2);
  });

  test('a refused token that can not be replaced now leaves the response to the caller', async () => {
    const source = fakeTokenSource();
    const session = open({ source });
    const { value } = await session.flight.getToken();
    expect(session.rejectReplacement()).toBe(false);
    expect(session.reject(value)).toBe(false);
    await settle();
    expect(source.requests).toHaveLength(1);
  });

  test('an older token was refused: there is a newer one', async () => {
    const source = fakeTokenSource();
    const session = open({ source });
    const { value } = await session.flight.getToken();
    await session.refresh();
    expect(session.reject(value)).toBe(true);
    await settle();
    expect(source.requests).toHaveLength(2);
  });

  test('a token was refused that has ended since: one can be had', () => {
    const source = fakeTokenSource();
    expect(open({ source }).reject('an old token')).toBe(true);
    expect(source.requests).toHaveLength(0);
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
    const session = open({ source, attributes: { page: '/' } });
    session.prepare({ ...attributes('/pricing'), externalId: 'ada', source });
    await session.flight.getToken();
    expect(source.requests[0]?.attributes).toEqual({ page: '/pricing' });
  });

  test('a render does not replace those of a provider that shows the session', async () => {
    const source = fakeTokenSource();
    const session = open({ source, attributes: { page: '/' } });
    session.watch(source, () => false);
    session.prepare({ ...attributes('/pricing'), externalId: 'ada', source });
    await session.flight.getToken();
    expect(source.requests[0]?.attributes).toEqual({ page: '/' });
  });
});
