import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { describe, expect, test } from 'vitest';
import { guestTokenQueryOptions } from '../../src/index.ts';
import {
  claims,
  type FakeSource,
  fakeSource,
  HOUR,
  issuing,
  outcomeOf,
  type Page,
  pass,
  SECOND,
  setOnline,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';

withFakeTime();

interface Host {
  readonly queryClient: QueryClient;
  readonly source: FakeSource;
  readonly page: Page;
}

/** A host with a client of its own: one provider on it, and a useQuery for the same token. */
function showHost(answer = issuing(HOUR, SECOND)): Host {
  const queryClient = new QueryClient();
  const source = fakeSource(answer);
  const options = guestTokenQueryOptions({ externalId: 'visitor', source });
  function Other() {
    useQuery(options);
    return null;
  }
  const page = showWidget({ source, queryClient }, ({ children }) => (
    <QueryClientProvider client={queryClient}>
      {children}
      <Other />
    </QueryClientProvider>
  ));
  return { queryClient, source, page };
}

const calls: Record<string, (client: QueryClient) => unknown> = {
  'invalidateQueries() ×5': async (client) => {
    for (let n = 0; n < 5; n++) await client.invalidateQueries();
  },
  'invalidateQueries() ×5 at once': (client) => {
    for (let n = 0; n < 5; n++) client.invalidateQueries();
  },
  'refetchQueries() ×5': (client) => {
    for (let n = 0; n < 5; n++) client.refetchQueries();
  },
  'resetQueries()': (client) => client.resetQueries(),
  'removeQueries()': (client) => client.removeQueries(),
  'clear()': (client) => client.clear(),
  'cancelQueries()': (client) => client.cancelQueries(),
};
const keepsToken = [
  'invalidateQueries() ×5',
  'invalidateQueries() ×5 at once',
  'refetchQueries() ×5',
  'cancelQueries()',
];

describe.for(Object.entries(calls))('a host that calls %s', ([name, call]) => {
  test('the widget keeps a valid token at the cost of at most one request', async () => {
    const { queryClient, source, page } = showHost();
    await pass(SECOND);
    const { token } = page.view;
    call(queryClient);
    await pass(2 * SECOND);
    expect(page.view).toMatchObject({ status: 'success', error: null });
    if (keepsToken.includes(name)) {
      expect(page.view.token).toBe(token);
      expect(source.requests).toHaveLength(1);
    } else {
      expect(source.requests.length).toBeLessThanOrEqual(2);
    }
    await pass(HOUR);
    expect(page.view.status).toBe('success');
  });

  test('a first request stays the only one, and every caller gets its token', async () => {
    const { queryClient, source, page } = showHost();
    const waiting = outcomeOf(page.view.getToken());
    await pass(SECOND / 2);
    call(queryClient);
    await pass(2 * SECOND);
    expect(waiting.token).toMatch(/^ey/);
    expect(page.view.token).toBe(waiting.token);
    expect(source.requests).toHaveLength(1);
  });

  test('a cool-down stays without a request', async () => {
    const { queryClient, source, page } = showHost(status(400));
    await pass(SECOND);
    const asked = source.requests.length;
    call(queryClient);
    await pass(10 * SECOND);
    expect(source.requests).toHaveLength(asked);
    expect(page.view.status).toBe('error');
  });
});

test('clear() followed by a new visitor leaves nothing of the earlier visitor in the client', async () => {
  const { queryClient, page } = showHost();
  await pass(SECOND);
  const { token } = page.view;
  queryClient.clear();
  await pass(2 * SECOND);
  page.update({ externalId: 'other' });
  await pass(2 * SECOND);
  expect(page.view.token).not.toBe(token);
  expect(claims(page.view.token).sub).toBe('other');
});

describe('on a client of the host’s', () => {
  function fresh() {
    const queryClient = new QueryClient();
    const source = fakeSource(issuing(HOUR, SECOND));
    const options = guestTokenQueryOptions({ externalId: 'visitor', source });
    return { queryClient, source, options };
  }

  test('prefetchQuery and the provider share one request', async () => {
    const { queryClient, source, options } = fresh();
    queryClient.prefetchQuery(options);
    await pass(SECOND / 2);
    const page = showWidget({ source, queryClient });
    await pass(SECOND / 2);
    expect(page.view.status).toBe('success');
    expect(source.requests).toHaveLength(1);
  });

  test('a provider that comes after prefetchQuery has its token in the first render', async () => {
    const { queryClient, source, options } = fresh();
    queryClient.prefetchQuery(options);
    await pass(SECOND);
    const page = showWidget({ source, queryClient });
    expect(page.probe.shown).toMatch(/^success ey/);
    await pass(SECOND);
    expect(source.requests).toHaveLength(1);
    await pass(HOUR);
    expect(source.requests).toHaveLength(2);
    expect(page.view.status).toBe('success');
  });

  test('fetchQuery resolves with the widget’s token and makes no request while it is fresh', async () => {
    const { queryClient, source, options } = fresh();
    const page = showWidget({ source, queryClient });
    await pass(SECOND);
    expect((await queryClient.fetchQuery(options)).value).toBe(page.view.token);
    expect((await queryClient.ensureQueryData(options)).value).toBe(page.view.token);
    expect(source.requests).toHaveLength(1);
  });

  test('fetchQuery settles while offline', async () => {
    await setOnline(false);
    const { queryClient, options } = fresh();
    const fetched = queryClient.fetchQuery(options).catch((error: unknown) => error);
    await pass(10 * SECOND);
    expect(await fetched).toMatchObject({ code: 'unreachable' });
  });

  test('a token on a host’s client outlives its provider', async () => {
    const { queryClient, source } = fresh();
    const first = showWidget({ source, queryClient });
    await pass(SECOND);
    const { token } = first.view;
    first.unmount();
    await pass(10 * SECOND);
    const second = showWidget({ source, queryClient });
    expect(second.view.token).toBe(token);
    await pass(SECOND);
    expect(source.requests).toHaveLength(1);
  });

  test('a client keeps no token of a visitor who has left', async () => {
    const { queryClient, source, options } = fresh();
    const page = showWidget({ source, queryClient });
    await pass(SECOND);
    page.update({ externalId: 'other' });
    await pass(SECOND);
    expect(queryClient.getQueryData(options.queryKey)).toBeUndefined();
  });

  test('externalId null fetches nothing', async () => {
    const { queryClient, source } = fresh();
    const options = guestTokenQueryOptions({ externalId: null, source });
    const seen: string[] = [];
    function Other() {
      seen.push(useQuery(options).fetchStatus);
      return null;
    }
    showWidget({ source, queryClient, externalId: null, children: <Other /> }, ({ children }) => (
      <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
    ));
    await pass(SECOND);
    expect(seen.at(-1)).toBe('idle');
    expect(source.requests).toHaveLength(0);
  });

  test('the query key identifies whom the token is for and nothing else', () => {
    const source = fakeSource();
    expect(guestTokenQueryOptions({ externalId: 'visitor' }).queryKey).toEqual([
      'guest-token',
      { externalId: 'visitor', channelId: 'webchat-default', source: '/api/guest-token' },
    ]);
    expect(
      guestTokenQueryOptions({ externalId: 'v', source, attributes: { a: 1 }, expiryBufferMs: 5 })
        .queryKey,
    ).toEqual(guestTokenQueryOptions({ externalId: 'v', source: fakeSource() }).queryKey);
    const named = Object.assign(fakeSource(), { key: 'mine' });
    expect(guestTokenQueryOptions({ externalId: 'v', source: named }).queryKey[1].source).toBe(
      'mine',
    );
  });
});
