// A visitor's page, for tests that drive it from outside through window.guest.
import { type ReactNode, useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import {
  type GuestTokenConfig,
  type GuestTokenEvent,
  GuestTokenProvider,
  useGuestFetch,
  useGuestToken,
} from '../../../src/index.ts';

/** What a test can set in a URL. */
export type PageConfig = Partial<
  Omit<GuestTokenConfig, 'source' | 'onEvent'> & { source: string; origins: string[] }
>;

interface GuestPage {
  /** All that the provider told, oldest first. */
  readonly events: GuestTokenEvent[];
  /** What was rendered last. */
  readonly shown: {
    status: string;
    token: string | undefined;
    visitorId: string | undefined;
    errorCode: string | undefined;
  };
  getToken(): Promise<string>;
  refresh(): Promise<string>;
  fetch: typeof fetch;
  /** Changes the provider's props. */
  configure(changes: PageConfig): void;
  /** Takes the provider off the page, or puts a new one there; done when it returns. */
  mount(isMounted: boolean): void;
  /** Resolves once `done` holds; it is asked after each event and each render. Rejects after 20 s. */
  until(done: (guest: GuestPage) => boolean): Promise<void>;
  /** When the page got its tokens, from the network or from another tab: epoch ms. */
  gotAtMs(): number[];
}

declare global {
  interface Window {
    guest: GuestPage;
  }
}

const query = new URLSearchParams(location.search);
const config: PageConfig = JSON.parse(query.get('config') ?? '{}');
const waiting = new Set<() => void>();

function look(): void {
  for (const check of waiting) check();
}

const notMounted = () => Promise.reject(new Error('The page has not rendered yet.'));

window.guest = {
  events: [],
  shown: { status: 'unmounted', token: undefined, visitorId: undefined, errorCode: undefined },
  getToken: notMounted,
  refresh: notMounted,
  fetch: notMounted,
  configure: () => undefined,
  mount: () => undefined,
  until: (done) =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!done(window.guest)) return;
        waiting.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(check);
        const { shown, events } = window.guest;
        const happened = events.map(({ type }) => type).join(', ');
        reject(new Error(`Not within 20 s: ${done}. Status ${shown.status}, after ${happened}`));
      }, 20_000);
      waiting.add(check);
      check();
    }),
  gotAtMs: () =>
    window.guest.events
      .filter(({ type }) => type === 'acquired' || type === 'shared')
      .map(({ atMs }) => atMs),
};

function Visitor(): ReactNode {
  const { status, token, visitorId, error, getToken, refresh } = useGuestToken();
  const guestFetch = useGuestFetch();
  useEffect(() => {
    const shown = { status, token, visitorId, errorCode: error?.code };
    Object.assign(window.guest, { shown, getToken, refresh, fetch: guestFetch });
    look();
  });
  return <p role="status">{status}</p>;
}

function Page(): ReactNode {
  const [props, setProps] = useState(config);
  const [isMounted, setMounted] = useState(true);
  useEffect(() => {
    window.guest.configure = (changes) => setProps((before) => ({ ...before, ...changes }));
    window.guest.mount = (mounted) => flushSync(() => setMounted(mounted));
  }, []);
  if (!isMounted) return null;
  return (
    <GuestTokenProvider
      externalId={query.get('visitor')}
      {...props}
      onEvent={(event) => {
        window.guest.events.push(event);
        look();
      }}
    >
      <Visitor />
    </GuestTokenProvider>
  );
}

const root = document.querySelector('main');
if (root) createRoot(root).render(<Page />);
