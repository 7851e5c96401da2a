import {
  type DefaultOptions,
  keepPreviousData,
  QueryClient,
  QueryClientProvider,
  type UseQueryResult,
  useQuery,
} from '@tanstack/react-query';
import { render } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { type GuestToken, type GuestTokenError, guestTokenQueryOptions } from '../../src/index.ts';
import {
  claims,
  type FakeSource,
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
  status,
  withFakeTime,
} from './page.tsx';

withFakeTime();

const hostile: Record<string, NonNullable<DefaultOptions['queries']>> = {
  throwOnError: { throwOnError: true },
  'retry: 5': { retry: 5, retryDelay: 1 },
  'retry: false': { retry: false },
  'placeholderData: keepPreviousData': { placeholderData: keepPreviousData },
  'enabled: false': { enabled: false },
  'gcTime: 0': { gcTime: 0 },
  'staleTime: 0': { staleTime: 0, refetchOnMount: 'always' },
  'staleTime: Infinity': { staleTime: Number.POSITIVE_INFINITY },
  'a refetchInterval': { refetchInterval: 1_000, refetchIntervalInBackground: true },
  'refetch on everything': { refetchOnWindowFocus: 'always', refetchOnReconnect: 'always' },
  'one queryKeyHashFn for all': { queryKeyHashFn: () => 'the same' },
  'networkMode: online': { networkMode: 'online' },
  'networkMode: offlineFirst': { networkMode: 'offlineFirst' },
  'no notifications': { notifyOnChangeProps: [] },
  'structural sharing of its own': { structuralSharing: () => 'theirs' },
  'a persister': { persister: () => Promise.resolve('theirs') },
  'a queryFn': { queryFn: () => 'theirs' },
  'all of them': {
    throwOnError: true,
    retry: 5,
    placeholderData: keepPreviousData,
    enabled: false,
    gcTime: 0,
    staleTime: 0,
    queryKeyHashFn: () => 'the same',
    refetchInterval: 1_000,
    networkMode: 'online',
  },
};
// Options of an observer that the types do not offer as defaults, though JavaScript takes them.
const untyped: Record<string, Record<string, unknown>> = {
  select: { select: () => 'theirs' },
  initialData: { initialData: 'theirs' },
  'not subscribed': { subscribed: false },
};
const clients = Object.entries({ ...hostile, ...untyped });

function clientWith(queries: Record<string, unknown>): QueryClient {
  return new QueryClient({ defaultOptions: { queries } });
}

describe.for(clients)('a client with %s changes nothing for the provider', ([, queries]) => {
  function show(source: FakeSource) {
    const queryClient = clientWith(queries);
    return showWidget({ source, queryClient, externalId: 'ann' }, ({ children }) => (
      <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
    ));
  }

  test('a token is acquired with one request and renewed on time, with no request in between', async () => {
    const source = fakeSource(issuing(HOUR, SECOND));
    const page = show(source);
    await pass(SECOND);
    expect(claims(page.view.token).sub).toBe('ann');
    for (let n = 0; n < 5; n++) {
      await focusWindow();
      await setVisible(false);
      await setVisible(true);
      await setOnline(false);
      await setOnline(true);
      await pass(MINUTE);
    }
    expect(source.requests).toHaveLength(1);
    await pass(3 * HOUR);
    expect(source.requests).toHaveLength(4);
    expect(page.view.status).toBe('success');
  });

  test('no visitor sees anything of the visitor before', async () => {
    const source = fakeSource();
    const page = show(source);
    await pass();
    page.probe.tokens.length = 0;
    page.update({ externalId: 'bob' });
    await pass();
    expect(claims(page.view.token).sub).toBe('bob');
    const subjects = page.probe.tokens.map((token) => token && claims(token).sub);
    expect(new Set(subjects)).toEqual(new Set([undefined, 'bob']));
  });

  test('a failed acquisition makes three attempts and does not unmount the widget', async () => {
    const source = fakeSource(status(503));
    const page = show(source);
    await pass(10 * SECOND);
    expect(source.requests).toHaveLength(3);
    expect(page.probe.shown).toBe('error none');
    source.answer = issuing();
    const refreshed = outcomeOf(page.view.refresh());
    await pass();
    expect(refreshed.token).toBe(page.view.token);
  });

  test('getToken rejects after 10 s offline, and coming online acquires the token', async () => {
    const page = show(fakeSource());
    await pass();
    await setOnline(false);
    page.update({ externalId: 'bob' });
    const got = outcomeOf(page.view.getToken());
    await pass(10 * SECOND);
    expect(got.code).toBe('unreachable');
    await setOnline(true);
    expect(page.view.status).toBe('success');
  });
});

describe.for(clients)('a client with %s changes nothing for useQuery', ([, queries]) => {
  function show(source: FakeSource) {
    const queryClient = clientWith(queries);
    const results: UseQueryResult<GuestToken, GuestTokenError>[] = [];
    function Secret({ visitor }: { visitor: string }) {
      const result = useQuery(guestTokenQueryOptions({ externalId: visitor, source }));
      results.push({ ...result });
      return <p>{result.status}</p>;
    }
    const Page = ({ visitor }: { visitor: string }) => (
      <QueryClientProvider client={queryClient}>
        <Secret visitor={visitor} />
      </QueryClientProvider>
    );
    const { rerender, container } = render(<Page visitor="ann" />);
    return {
      results,
      container,
      get result() {
        return results.at(-1);
      },
      toBob: () => rerender(<Page visitor="bob" />),
    };
  }

  test('useQuery’s data is the visitor’s token, acquired with one request', async () => {
    const source = fakeSource();
    const page = show(source);
    await pass();
    const rendersBefore = page.results.length;
    for (let n = 0; n < 5; n++) {
      await focusWindow();
      await setVisible(false);
      await setVisible(true);
      await setOnline(false);
      await setOnline(true);
      await pass(MINUTE);
    }
    expect(page.results).toHaveLength(rendersBefore);
    expect(claims(page.result?.data?.value).sub).toBe('ann');
    expect(page.container.textContent).toBe('success');
    expect(source.requests).toHaveLength(1);
    const first = page.results.length;
    page.toBob();
    await pass();
    expect(claims(page.result?.data?.value).sub).toBe('bob');
    const shown = page.results.slice(first).map(({ data }) => data && claims(data.value).sub);
    expect(new Set(shown)).toEqual(new Set([undefined, 'bob']));
  });

  test('useQuery reports the error after three attempts and the component stays mounted', async () => {
    const source = fakeSource(status(503));
    const page = show(source);
    await pass(4 * SECOND); // with nothing added to the package's own waits
    await pass(1);
    expect(source.requests).toHaveLength(3);
    expect(page.result?.error?.code).toBe('unavailable');
    expect(page.container.textContent).toBe('error');
  });

  test('useQuery settles after 10 s offline', async () => {
    const page = show(fakeSource());
    await pass();
    await setOnline(false);
    page.toBob();
    await pass(10 * SECOND);
    await pass(1);
    expect(page.result?.error?.code).toBe('unreachable');
    await setOnline(true); // Query remembers it from test to test
  });
});
