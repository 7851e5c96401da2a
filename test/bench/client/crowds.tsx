// Many components that use one token: ours, a query written by hand, and a bare context.
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useLayoutEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { GuestTokenReply, useGuestToken } from '../../../src/index.ts';

export type Library = typeof import('../../../src/index.ts');
export type Field = 'token' | 'visitorId';
export type CrowdKind = Library | 'useQuery' | 'context' | 'nothing';

export interface Crowd {
  /** Replaces the token; resolves once that is on the page. */
  renew(): Promise<void>;
  getToken(): Promise<string>;
  fetch: typeof fetch;
  unmount(): void;
}

interface Shown {
  readonly token: string;
  readonly visitorId: string;
}

let serial = 0;
const issue = async (): Promise<GuestTokenReply> => ({
  id: 'guest-1',
  token: `opaque-${++serial}`,
  expires_in: 3_600,
});
const show = async (): Promise<Shown> => {
  const { id, token } = await issue();
  return { token, visitorId: id };
};

const unused = (): never => {
  throw new Error('Not for this crowd.');
};

/** `count` components that show one field, and what is needed around them. */
export function crowdOf(kind: CrowdKind, count: number, field: Field) {
  const crowd: Crowd = { renew: unused, getToken: unused, fetch: unused, unmount: unused };
  let committed: (token: string | undefined) => void = () => undefined;
  const renewing = (ask: () => unknown) => (): Promise<void> =>
    new Promise((resolve, reject) => {
      let before: string | undefined;
      committed = (token) => {
        before ??= token;
        if (token !== before) resolve();
      };
      committed(shown);
      // After the token is on the page, a crowd that is taken off it makes no difference.
      Promise.resolve(ask()).catch(reject);
    });
  let shown: string | undefined;
  function useShown(token: string | undefined): void {
    useLayoutEffect(() => {
      shown = token;
      committed(token);
    }, [token]);
  }
  const many = (Consumer: () => ReactNode): ReactNode[] =>
    Array.from({ length: count }, (_, n) => <Consumer key={String(n)} />);

  function around(): ReactNode {
    if (kind === 'nothing') return many(() => 'guest-1');
    if (kind === 'context') {
      const Context = createContext<Shown>({ token: '', visitorId: '' });
      const Consumer = (): ReactNode => useContext(Context)[field];
      const children = many(Consumer);
      function Probe(): ReactNode {
        useShown(useContext(Context).token);
        return null;
      }
      function Provider(): ReactNode {
        const [value, setValue] = useState<Shown>({ token: 'opaque-0', visitorId: 'guest-1' });
        crowd.renew = renewing(() => show().then(setValue));
        return (
          <Context.Provider value={value}>
            {children}
            <Probe />
          </Context.Provider>
        );
      }
      return <Provider />;
    }
    if (kind === 'useQuery') {
      const client = new QueryClient();
      const options = { queryKey: ['token'], queryFn: show, staleTime: Number.POSITIVE_INFINITY };
      const select = {
        token: (data: Shown) => data.token,
        visitorId: (data: Shown) => data.visitorId,
      };
      const Consumer = (): ReactNode => useQuery({ ...options, select: select[field] }).data;
      function Probe(): ReactNode {
        useShown(useQuery({ ...options, select: select.token }).data);
        return null;
      }
      crowd.renew = renewing(() => client.fetchQuery({ ...options, staleTime: 0 }));
      return (
        <QueryClientProvider client={client}>
          {many(Consumer)}
          <Probe />
        </QueryClientProvider>
      );
    }
    const { GuestTokenProvider, useGuestToken: use, useGuestFetch } = kind;
    const Consumer = (): ReactNode => use()[field];
    function Probe(): ReactNode {
      const { token, getToken, refresh }: ReturnType<typeof useGuestToken> = use();
      Object.assign(crowd, { getToken, fetch: useGuestFetch(), renew: renewing(refresh) });
      useShown(token);
      return null;
    }
    return (
      // without other tabs, whose answers would be waited for
      <GuestTokenProvider externalId={`visitor-${++serial}`} source={issue} shareAcrossTabs={false}>
        {many(Consumer)}
        <Probe />
      </GuestTokenProvider>
    );
  }

  const element = around();
  return {
    element,
    /** Renders it; resolves once the first token is on the page. */
    async mount(): Promise<Crowd> {
      let fail: (error: unknown) => void = () => undefined;
      const ready = new Promise<void>((resolve, reject) => {
        committed = (token) => token && resolve();
        fail = reject;
      });
      const root = createRoot(document.createElement('main'), { onUncaughtError: fail });
      root.render(element);
      if (kind === 'nothing') await new Promise((resolve) => setTimeout(resolve, 100));
      else await ready;
      crowd.unmount = () => root.unmount();
      return crowd;
    },
  };
}
