// useQuery, useIsFetching and the cache on a host's client show what the hook shows, at every step.
import {
  QueryClient,
  QueryClientProvider,
  type QueryKey,
  type UseQueryResult,
  useIsFetching,
  useQuery,
} from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { describe, expect, test, vi } from 'vitest';
import {
  type GuestToken,
  type GuestTokenConfig,
  type GuestTokenError,
  guestTokenQueryOptions,
} from '../../src/index.ts';
import {
  DAY,
  down,
  fakeSource,
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
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer, refusing } from './server.ts';
import { byHook, byQuery, type Told } from './told.ts';

withFakeTime();

/** A widget beside a component that uses the query, on a client of the host's. */
function showBoth(answer = issuing(HOUR, SECOND), props: Partial<GuestTokenConfig> = {}) {
  const queryClient = new QueryClient();
  const source = fakeSource(answer);
  const optionsFor = (externalId: string | null) =>
    guestTokenQueryOptions({ source, ...props, externalId });
  let options = optionsFor('visitor');
  let query!: UseQueryResult<GuestToken, GuestTokenError>;
  let fetching = 0;
  function Beside(): ReactNode {
    const { data, error, status, fetchStatus, failureCount, failureReason, ...rest } =
      useQuery(options);
    query = {
      data,
      error,
      status,
      fetchStatus,
      failureCount,
      failureReason,
      ...rest,
    } as typeof query;
    fetching = useIsFetching();
    return null;
  }
  const page = showWidget({ source, queryClient, ...props }, ({ children }) => (
    <QueryClientProvider client={queryClient}>
      {children}
      <Beside />
    </QueryClientProvider>
  ));
  return {
    page,
    source,
    queryClient,
    /** The visitor leaves; whoever else uses the query knows it too. */
    leave() {
      options = optionsFor(null);
      page.update({ externalId: null });
    },
    queryKey: options.queryKey,
    /** What the cache holds of the visitor. */
    get cached() {
      const cached = queryClient.getQueryCache().find<GuestToken, GuestTokenError>(options);
      if (!cached) throw new Error('There is no query.');
      return cached.state;
    },
    get query() {
      return query;
    },
    /** Compares all that can be seen, and tells what the hook says. */
    async compare(): Promise<Told> {
      await pass(1); // React Query tells its observers in a task of its own
      const hook = byHook(page.view);
      expect(byQuery(query), 'useQuery').toEqual(hook);
      expect(fetching, 'useIsFetching').toBe(hook.isFetching ? 1 : 0);
      const cached = queryClient.getQueryCache().find<GuestToken, GuestTokenError>(options);
      const { fetchFailureReason: failureReason = null, ...state } = cached?.state ?? {
        status: 'pending' as const,
        data: undefined,
        error: null,
        fetchStatus: 'idle' as const,
      };
      expect(byQuery({ ...state, failureReason }), 'the cache').toEqual(hook);
      expect(queryClient.getQueryData(options.queryKey)?.value, 'getQueryData').toBe(hook.token);
      return hook;
    },
  };
}

describe('the query shows what the hook shows', () => {
  test('useQuery agrees with the hook during and after the first request', async () => {
    const both = showBoth();
    await pass();
    expect(await both.compare()).toMatchObject({ status: 'pending', isFetching: true });
    await pass(SECOND);
    expect(await both.compare()).toMatchObject({ status: 'success', isFetching: false });
    expect(both.query.failureCount).toBe(0);
  });

  test('useQuery agrees with the hook during and after a renewal', async () => {
    const both = showBoth();
    await pass(SECOND);
    const { token } = await both.compare();
    await pass(59 * MINUTE - SECOND / 2);
    expect(await both.compare()).toMatchObject({ token, isFetching: true });
    await pass(SECOND);
    expect(await both.compare()).toMatchObject({ status: 'success', isFetching: false });
    expect(both.page.view.token).not.toBe(token);
  });

  test('useQuery agrees with the hook during and after refresh()', async () => {
    const both = showBoth();
    await pass(SECOND);
    const { token } = await both.compare();
    outcomeOf(both.page.view.refresh());
    await pass(SECOND / 2);
    expect(await both.compare()).toMatchObject({ token, isFetching: true });
    await pass(SECOND);
    expect((await both.compare()).token).not.toBe(token);
  });

  test('useQuery agrees with the hook through failed acquisitions and cool-downs, and failureCount counts attempts', async () => {
    const both = showBoth(status(503));
    await pass();
    expect(await both.compare()).toMatchObject({ status: 'pending', isFetching: true });
    expect(both.query.failureCount).toBe(1);
    await pass(2 * SECOND);
    await both.compare();
    expect(both.query.failureCount).toBe(2);
    await pass(2 * SECOND);
    expect(await both.compare()).toMatchObject({ status: 'error', isFetching: false });
    expect((await both.compare()).error?.code).toBe('unavailable');
    expect(both.query.failureCount).toBe(3);
    both.source.answer = down;
    await pass(30 * SECOND);
    expect(await both.compare()).toMatchObject({ status: 'error', isFetching: true });
    expect(both.query.failureCount).toBe(1);
    await pass(4 * SECOND);
    expect((await both.compare()).error?.code).toBe('unreachable');
    both.source.answer = issuing(HOUR);
    await pass(5 * MINUTE);
    expect(await both.compare()).toMatchObject({ status: 'success', error: null });
    expect(both.query.failureCount).toBe(0);
  });

  test('useQuery shows a failed renewal’s error beside the valid token, and alone after expiry', async () => {
    const both = showBoth(issuing(HOUR));
    await pass();
    both.source.answer = status(503);
    await pass(59 * MINUTE);
    expect(await both.compare()).toMatchObject({ status: 'success', isFetching: true });
    expect((await both.compare()).error?.code).toBe('unavailable');
    await pass(10 * SECOND);
    expect(await both.compare()).toMatchObject({ status: 'success', isFetching: false });
    expect((await both.compare()).error?.code).toBe('unavailable');
    await pass(50 * SECOND);
    expect(await both.compare()).toMatchObject({ status: 'error', token: undefined });
    expect((await both.compare()).error?.code).toBe('unavailable');
    await pass(HOUR);
    expect(await both.compare()).toMatchObject({ status: 'error', token: undefined });
    both.source.answer = issuing(HOUR);
    await pass(10 * MINUTE);
    expect(await both.compare()).toMatchObject({ status: 'success', error: null });
  });

  test('useQuery agrees with the hook offline and does not fetch without end', async () => {
    const both = showBoth(issuing(HOUR));
    await pass();
    await setOnline(false);
    await pass(2 * HOUR);
    expect(await both.compare()).toMatchObject({
      status: 'error',
      token: undefined,
      isFetching: false,
    });
    expect((await both.compare()).error?.code).toBe('unreachable');
    await setOnline(true);
    await pass(MINUTE);
    expect(await both.compare()).toMatchObject({ status: 'success', error: null });
  });

  test('useQuery agrees with the hook after a sleep and in a hidden page', async () => {
    const both = showBoth(issuing(HOUR, SECOND));
    await pass(SECOND);
    sleepMachine(2 * HOUR);
    await pass(30 * SECOND);
    await both.compare();
    await pass(SECOND);
    expect((await both.compare()).status).toBe('success');
    await setVisible(false);
    await pass(2 * HOUR);
    expect(await both.compare()).toMatchObject({ status: 'pending', isFetching: false });
    await setVisible(true);
    expect(await both.compare()).toMatchObject({ isFetching: true });
    await pass(SECOND);
    expect((await both.compare()).status).toBe('success');
  });

  test('useQuery agrees with the hook while a rejected token is being replaced', async () => {
    const both = showBoth();
    await pass(SECOND);
    const { token } = await both.compare();
    fakeServer(refusing(token));
    outcomeOf(both.page.fetch('/api/conversations'));
    await pass(SECOND / 2);
    expect(await both.compare()).toMatchObject({ token, isFetching: true });
    await pass(SECOND);
    expect((await both.compare()).token).not.toBe(token);
  });

  test('useQuery agrees with the hook after the visitor has signed out', async () => {
    const both = showBoth();
    await pass(SECOND);
    const { token } = await both.compare();
    expect(token).toBeDefined();
    both.leave();
    await pass();
    expect(await both.compare()).toMatchObject({ status: 'pending', isFetching: false });
    const cached = both.queryClient.getQueryCache().getAll();
    expect(cached.filter(({ state }) => state.data)).toEqual([]);
  });
});

describe('what a host does to the query is set right at once', () => {
  const calls: Record<string, (client: QueryClient, key: QueryKey) => unknown> = {
    'invalidateQueries()': (client) => client.invalidateQueries(),
    'invalidateQueries() without a refetch': (client) =>
      client.invalidateQueries({ refetchType: 'none' }),
    'refetchQueries()': (client) => client.refetchQueries(),
    'cancelQueries()': (client) => client.cancelQueries(),
    'setQueryData()': (client, key) => client.setQueryData(key, { value: 'forged' }),
    'setQueryData() without data': (client, key) =>
      client.getQueryCache().find({ queryKey: key })?.setState({ data: undefined }),
  };

  test.for(Object.entries(calls))('%s changes nothing that a component sees', async ([, call]) => {
    const both = showBoth();
    await pass(SECOND);
    const before = await both.compare();
    call(both.queryClient, both.queryKey);
    expect(await both.compare()).toEqual(before);
    await pass(2 * SECOND);
    expect(await both.compare()).toEqual(before);
    expect(both.cached.isInvalidated).toBe(false);
    expect(both.source.requests).toHaveLength(1);
  });

  test('a query that is used on after the sign-out of its visitor is pending', async () => {
    const both = showBoth();
    await pass(SECOND);
    both.page.update({ externalId: null });
    await pass();
    expect(both.query).toMatchObject({ status: 'pending', fetchStatus: 'idle', data: undefined });
  });

  test('each failed attempt counts as one error, told when it happened, whatever happens after', async () => {
    const both = showBoth();
    await pass(SECOND);
    expect(both.cached).toMatchObject({ errorUpdateCount: 0, errorUpdatedAt: 0 });
    both.source.answer = status(400);
    outcomeOf(both.page.view.refresh());
    await pass();
    const failedAtMs = Date.now();
    await pass(SECOND);
    for (let n = 0; n < 3; n++) both.queryClient.invalidateQueries({ refetchType: 'none' });
    await setVisible(false);
    await setVisible(true);
    await pass(SECOND);
    expect(both.cached).toMatchObject({ errorUpdateCount: 1, errorUpdatedAt: failedAtMs });
  });
});

describe('without a provider', () => {
  function prefetch(lifeMs: number) {
    const queryClient = new QueryClient();
    const source = fakeSource(issuing(lifeMs));
    const options = guestTokenQueryOptions({ externalId: 'visitor', source });
    return { queryClient, source, options };
  }

  test.for([
    ['an hour', HOUR],
    ['forty days', 40 * DAY],
  ] as const)(
    'a token that lives %s leaves the cache when it expires, without a provider',
    async ([, lifeMs]) => {
      const { queryClient, source, options } = prefetch(lifeMs);
      queryClient.prefetchQuery(options);
      await pass();
      await pass(lifeMs - SECOND);
      expect(queryClient.getQueryData(options.queryKey)).toBeDefined();
      await pass(SECOND);
      expect(queryClient.getQueryData(options.queryKey)).toBeUndefined();
      expect(vi.getTimerCount()).toBe(0);
      expect(source.requests).toHaveLength(1);
    },
  );

  test('useQuery without a provider shows no expired token, and refetch() acquires the next one', async () => {
    const { queryClient, source, options } = prefetch(HOUR);
    let query!: UseQueryResult<GuestToken, GuestTokenError>;
    function Alone() {
      query = useQuery(options);
      return <p>{query.data?.value ?? 'none'}</p>;
    }
    const { container } = render(
      <QueryClientProvider client={queryClient}>
        <Alone />
      </QueryClientProvider>,
    );
    await pass();
    const before = container.textContent;
    expect(before).toMatch(/^ey/);
    await pass(HOUR);
    await pass(1);
    expect(container.textContent).toBe('none');
    expect(query.fetchStatus).toBe('idle');
    query.refetch();
    await pass();
    expect(container.textContent).toMatch(/^ey/);
    expect(container.textContent).not.toBe(before);
    expect(source.requests).toHaveLength(2);
  });
});
