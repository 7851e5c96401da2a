import {
  dehydrate,
  hydrate,
  QueryClient,
  QueryClientProvider,
  useQuery,
} from '@tanstack/react-query';
import { act, render } from '@testing-library/react';
import { type ReactNode, Suspense } from 'react';
import { hydrateRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as inBrowser from '../../src/index.ts';
import { fakeSource, HOUR, issuing, pass, SECOND, showWidget, withFakeTime } from './page.tsx';

withFakeTime();

type Library = typeof inBrowser;
type Props = Partial<inBrowser.GuestTokenProviderProps>;

// A server has a copy of its own: two renderers can't share one React context.
vi.resetModules();
const onServer: Library = await import('../../src/index.ts');

/** The tokens that the browser rendered. */
let tokens: (string | undefined)[] = [];
let recovered: unknown[] = [];
let root: Root | undefined;
beforeEach(() => {
  tokens = [];
  recovered = [];
  sessionStorage.clear();
});
afterEach(async () => {
  await act(async () => root?.unmount());
  root = undefined;
  document.body.innerHTML = '';
});

/** The page, made with the server's or the browser's copy of the package. */
type MakePage = (library: Library) => ReactNode;

const widgetPage =
  (props: Props): MakePage =>
  (library) => {
    const { GuestTokenProvider } = library;
    return (
      <GuestTokenProvider externalId="visitor" {...props}>
        <Widget library={library} />
      </GuestTokenProvider>
    );
  };

function Widget({ library, id = 'widget' }: { library: Library; id?: string }): ReactNode {
  const { status, token } = library.useGuestToken();
  if (library === inBrowser) tokens.push(token);
  return <p id={id}>{`${status} ${token ?? 'none'}`}</p>;
}

function shown(id = 'widget'): string | null | undefined {
  return document.getElementById(id)?.textContent;
}

/** Takes the page away, as on a server, until `vi.unstubAllGlobals()`. */
function leavePage(): void {
  for (const name of ['window', 'document', 'navigator', 'sessionStorage', 'location']) {
    vi.stubGlobal(name, undefined);
  }
}

function renderOnServer(page: MakePage): string {
  leavePage();
  try {
    return renderToString(page(onServer));
  } finally {
    vi.unstubAllGlobals();
  }
}

/** Shows the server's HTML and hydrates it; what React had to repair is in `recovered`. */
async function load(page: MakePage, html = renderOnServer(page)): Promise<void> {
  const container = document.createElement('div');
  container.innerHTML = html;
  document.body.append(container);
  await act(async () => {
    root = hydrateRoot(container, page(inBrowser), {
      onRecoverableError: (error) => recovered.push(error),
    });
  });
}

describe('hydration', () => {
  test('hydration has no mismatch and is followed by one request', async () => {
    const source = fakeSource();
    await load(widgetPage({ source }));
    await pass();
    expect(shown()).toMatch(/^success ey/);
    expect(tokens[0]).toBeUndefined();
    expect(recovered).toEqual([]);
    expect(source.requests).toHaveLength(1);
  });

  test('hydration has no mismatch with externalId null', async () => {
    await load(widgetPage({ externalId: null }));
    expect(shown()).toBe('idle none');
    expect(recovered).toEqual([]);
  });

  test('hydration has no mismatch if the browser’s client already holds a token', async () => {
    const source = fakeSource();
    const queryClient = new QueryClient();
    const options = inBrowser.guestTokenQueryOptions({ externalId: 'visitor', source });
    await queryClient.prefetchQuery(options);
    const html = renderOnServer(widgetPage({ source }));
    await load(widgetPage({ source, queryClient }), html);
    await pass();
    expect(tokens[0]).toBeUndefined();
    expect(shown()).toMatch(/^success ey/);
    expect(recovered).toEqual([]);
    expect(source.requests).toHaveLength(1);
  });

  test('hydration has no mismatch if sessionStorage already holds a token', async () => {
    const before = showWidget({ source: fakeSource(), storage: 'session' });
    await pass();
    const { token } = before.view;
    const kept = Object.entries(sessionStorage);
    before.unmount();
    await pass();
    for (const [key, value] of kept) sessionStorage.setItem(key, value);
    const source = fakeSource();
    await load(widgetPage({ source, storage: 'session' }));
    await pass();
    expect(tokens[0]).toBeUndefined();
    expect(shown()).toBe(`success ${token}`);
    expect(recovered).toEqual([]);
    expect(source.requests).toHaveLength(0);
  });

  test('a boundary that hydrates after the token has arrived has no mismatch', async () => {
    const source = fakeSource();
    let arrive: () => void = () => undefined;
    const code = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    let hasCode = false;
    function LazyWidget({ library }: { library: Library }) {
      if (library === inBrowser && !hasCode) throw code;
      return <Widget library={library} id="late" />;
    }
    await load((library) => (
      <library.GuestTokenProvider externalId="visitor" source={source}>
        <Widget library={library} id="early" />
        <Suspense fallback={<p>loading</p>}>
          <LazyWidget library={library} />
        </Suspense>
      </library.GuestTokenProvider>
    ));
    await pass();
    expect(shown('early')).toMatch(/^success ey/);
    expect(shown('late')).toBe('pending none');
    tokens = [];
    hasCode = true;
    await act(async () => arrive());
    await pass();
    expect(tokens[0]).toBeUndefined();
    expect(shown('late')).toBe(shown('early'));
    expect(recovered).toEqual([]);
    expect(source.requests).toHaveLength(1);
  });

  test('a boundary that the server left as a fallback is rendered by the browser with one request', async () => {
    const source = fakeSource(issuing(HOUR, SECOND));
    function Secret({ library }: { library: Library }) {
      return <p id="secret">{library.useSuspenseGuestToken().token}</p>;
    }
    await load((library) => (
      <library.GuestTokenProvider externalId="visitor" source={source}>
        <Suspense fallback={<p id="fallback">connecting</p>}>
          <Secret library={library} />
        </Suspense>
      </library.GuestTokenProvider>
    ));
    await pass();
    expect(shown('fallback')).toBe('connecting');
    await pass(SECOND);
    await pass();
    expect(shown('secret')).toMatch(/^ey/);
    expect(source.requests).toHaveLength(1);
    // React's own note that the server had left this boundary to the browser
    expect(recovered.every((error) => /server|browser/i.test(String(error)))).toBe(true);
  });
});

describe('a dehydrated client', () => {
  async function hydrateInto(queryClient: QueryClient): Promise<void> {
    const server = new QueryClient();
    const options = { externalId: 'visitor', source: fakeSource() };
    leavePage();
    await server.prefetchQuery(onServer.guestTokenQueryOptions(options));
    const sent = JSON.stringify(dehydrate(server));
    vi.unstubAllGlobals();
    hydrate(queryClient, JSON.parse(sent));
  }

  test('a dehydrated client brings no token, so the browser acquires its own', async () => {
    const queryClient = new QueryClient();
    await hydrateInto(queryClient);
    const source = fakeSource();
    const page = showWidget({ source, queryClient });
    expect(page.probe.shown).toBe('pending none');
    await pass();
    expect(page.probe.tokens.join(' ')).not.toContain('redacted');
    expect(page.probe.shown).toMatch(/^success ey/);
    expect(source.requests).toHaveLength(1);
  });

  test('hydrating a client does not replace the browser’s own token', async () => {
    const queryClient = new QueryClient();
    const source = fakeSource();
    const page = showWidget({ source, queryClient });
    await pass(SECOND);
    await act(() => hydrateInto(queryClient));
    await pass(3 * SECOND);
    expect(page.probe.tokens.join(' ')).not.toContain('redacted');
    expect(page.view).toMatchObject({ status: 'success', error: null });
    expect(await page.view.getToken()).toBe(page.view.token);
    expect(source.requests.length).toBeLessThanOrEqual(2);
  });

  test.for(['with', 'without'] as const)(
    'useQuery never takes dehydrated data for a token, %s a provider beside it',
    async (how) => {
      const queryClient = new QueryClient();
      await hydrateInto(queryClient);
      const source = fakeSource(issuing(HOUR, SECOND));
      const options = inBrowser.guestTokenQueryOptions({ externalId: 'visitor', source });
      const seen: { data: unknown; status: string }[] = [];
      function Beside(): ReactNode {
        const { data, status } = useQuery(options);
        seen.push({ data, status });
        return null;
      }
      const children = <Beside />;
      const wrapper = ({ children }: { children: ReactNode }) => (
        <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
      );
      if (how === 'with') showWidget({ source, queryClient, children }, wrapper);
      else render(children, { wrapper });
      await pass();
      await pass(2 * SECOND);
      for (const { data, status } of seen) {
        expect(data === undefined || data instanceof inBrowser.GuestToken).toBe(true);
        expect(status === 'success').toBe(data !== undefined);
      }
      expect(seen.at(-1)?.data).toBeInstanceOf(inBrowser.GuestToken);
      expect(source.requests).toHaveLength(1);
    },
  );
});
