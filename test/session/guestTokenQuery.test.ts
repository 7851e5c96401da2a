// The query as its options and its client have it, without a provider.
import { onlineManager, QueryClient, QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { guestTokenQueryOptions } from '../../src/session/guestTokenQuery.ts';
import { fakeTokenSource } from '../../src/testing/index.ts';
import { withFakeClocks } from '../fakeClocks.ts';
import { allowConsole } from '../strays.ts';
import { openSession } from './openSession.ts';

const MINUTE = 60_000;

withFakeClocks();
// A client on a page has one session for each visitor.
beforeEach(() => vi.stubGlobal('window', globalThis));
afterEach(() => onlineManager.setOnline(true));

function open(lifeSeconds = 3_600) {
  const client = new QueryClient();
  const options = guestTokenQueryOptions({
    externalId: 'ada',
    source: fakeTokenSource({ lifeSeconds }),
  });
  const isStale = (): boolean => new QueryObserver(client, options).getCurrentResult().isStale;
  const staleTime = (): unknown => {
    const query = client.getQueryCache().find({ queryKey: options.queryKey });
    return Reflect.apply(Object(options.staleTime), undefined, [query]);
  };
  return { client, options, isStale, staleTime };
}

test('the query is stale from a minute before the token’s end', async () => {
  const { client, options, isStale, staleTime } = open();
  await client.fetchQuery(options);
  expect(staleTime()).toBe(59 * MINUTE);
  expect(isStale()).toBe(false);
  await vi.advanceTimersByTimeAsync(59 * MINUTE - 1);
  expect(isStale()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isStale()).toBe(true);
});

test('a stale query does not get fresh when the clock is turned back', async () => {
  const { client, options, isStale } = open();
  await client.fetchQuery(options);
  await vi.advanceTimersByTimeAsync(59 * MINUTE);
  vi.setSystemTime(Date.now() - 120 * MINUTE);
  expect(isStale()).toBe(true);
});

test('a token of ten years has a stale time that a timer can take', async () => {
  const { client, options, isStale, staleTime } = open(10 * 365 * 86_400);
  await client.fetchQuery(options);
  expect(staleTime()).toBeLessThan(2 ** 31);
  expect(isStale()).toBe(false);
});

test('the query says when its token and its error are from, and how many there were', async () => {
  allowConsole(/rejected/);
  const source = fakeTokenSource();
  const client = new QueryClient();
  const session = openSession({ source }, client);
  const { queryKey } = guestTokenQueryOptions({ externalId: 'ada', source });
  await session.flight.getToken();
  await vi.advanceTimersByTimeAsync(0);
  const acquiredAtMs = Date.now();
  const first = { dataUpdatedAt: acquiredAtMs, dataUpdateCount: 1 };
  expect(client.getQueryState(queryKey)).toMatchObject({ ...first, errorUpdateCount: 0 });

  await vi.advanceTimersByTimeAsync(MINUTE);
  source.fail('rejected');
  await expect(session.refresh()).rejects.toMatchObject({ code: 'rejected' });
  await vi.advanceTimersByTimeAsync(0);
  const failure = { errorUpdatedAt: acquiredAtMs + MINUTE, errorUpdateCount: 1 };
  expect(client.getQueryState(queryKey)).toMatchObject({ ...first, ...failure });

  await vi.advanceTimersByTimeAsync(MINUTE);
  source.recover();
  await session.refresh();
  await vi.advanceTimersByTimeAsync(0);
  const second = { dataUpdatedAt: acquiredAtMs + 2 * MINUTE, dataUpdateCount: 2 };
  expect(client.getQueryState(queryKey)).toMatchObject({ ...second, ...failure });
});

test('a query that somebody looks at is pending once its visitor has signed out', async () => {
  const client = new QueryClient();
  const config = { externalId: 'ada', source: fakeTokenSource() };
  const session = openSession(config, client);
  const unmount = session.watch(config.source, () => true);
  await session.flight.getToken();
  const observer = new QueryObserver(client, guestTokenQueryOptions(config));
  const leave = observer.subscribe(() => undefined);
  expect(observer.getCurrentResult().status).toBe('success');
  session.signOut();
  await vi.advanceTimersByTimeAsync(0);
  expect(observer.getCurrentResult()).toMatchObject({ status: 'pending', data: undefined });
  leave();
  unmount();
});

test('a client is listened to once, however many visitors it has', () => {
  const client = new QueryClient();
  const listen = vi.spyOn(client.getQueryCache(), 'subscribe');
  for (const externalId of ['ada', 'ben', 'cleo']) {
    openSession({ externalId, source: fakeTokenSource() }, client);
  }
  expect(listen).toHaveBeenCalledOnce();
});

test('a query without a token, or with what a dehydrated one left, is stale', async () => {
  const { client, options, isStale } = open();
  expect(isStale()).toBe(true);
  client.setQueryData<unknown>(options.queryKey, '[redacted]');
  expect(isStale()).toBe(true);
});

test('what a dehydrated token left is an error, and no token', () => {
  const { select } = open().options;
  expect(() => Reflect.apply(select ?? String, undefined, ['[redacted]'])).toThrow(
    expect.objectContaining({
      code: 'expired',
      message: expect.stringContaining('A token does not survive dehydration.'),
    }),
  );
});

test('a token in hand is given out while React Query believes to be offline', async () => {
  const { client, options } = open();
  const { value } = await client.fetchQuery(options);
  onlineManager.setOnline(false);
  expect((await client.fetchQuery({ ...options, staleTime: 0 })).value).toBe(value);
});

test('no default of a client gets between the session and its query', () => {
  const spoiling = {
    enabled: false,
    gcTime: 0,
    initialData: 'another visitor’s',
    networkMode: 'online',
    notifyOnChangeProps: 'all',
    placeholderData: 'another visitor’s',
    refetchInterval: 1_000,
    refetchOnReconnect: 'always',
    refetchOnWindowFocus: 'always',
    retry: 5,
    structuralSharing: () => 'something else',
    throwOnError: true,
  } as const;
  const client = new QueryClient({ defaultOptions: { queries: spoiling } });
  const { options } = open();
  expect(client.defaultQueryOptions(options)).toMatchObject({
    enabled: true,
    gcTime: Number.POSITIVE_INFINITY,
    initialData: undefined,
    networkMode: 'always',
    notifyOnChangeProps: undefined,
    placeholderData: undefined,
    refetchInterval: false,
    refetchOnReconnect: false,
    refetchOnWindowFocus: false,
    retry: false,
    structuralSharing: false,
    throwOnError: false,
  });
});
