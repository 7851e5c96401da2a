// An app of Vite in which tests make mistakes, and the servers around it.
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright';
import { expect, vi } from 'vitest';
import { type App, freePort, installApp, type Running } from './app.ts';
import { startBroker, type Visit, visit } from './visit.ts';

export interface Mistake {
  /** What the provider is given. Default: `externalId="anonymous"`. */
  readonly props?: string;
  /** What the component does once it is connected. */
  readonly effect?: string;
  /** The whole of App.tsx. Default: a provider with a component below it. */
  readonly code?: string;
  /** What stands in the head of the page. */
  readonly head?: string;
  /** How the browser is set up before it opens the page. */
  readonly prepare?: (page: Page) => Promise<void>;
  /** How long to look, in ms of the page's clock. Default: until something has come of it. */
  readonly forMs?: number;
  /** What has come of it. Default: the page shows a result, or an error has removed it. */
  readonly until?: (visit: Visit) => boolean;
}

interface Seen {
  /** What the page shows in the end. */
  readonly shown: string;
  /** Errors and warnings on the browser's console. */
  readonly console: readonly string[];
  /** Lines of this package among them, without the link at their end. */
  readonly ours: readonly string[];
  /** The paths that the page posted to: its requests for a token. */
  readonly posts: readonly string[];
  /** What the servers printed meanwhile. */
  readonly broker: string;
  readonly servers: string;
  readonly vite: string;
}

export interface MistakeApp {
  readonly app: App;
  readonly broker: Running & { readonly url: string };
  readonly pageUrl: string;
  /** An API on an origin of its own. */
  readonly apiUrl: string;
  /** Makes the mistake in the files of the app. */
  make(mistake: Mistake): Promise<void>;
  /** Makes the mistake, opens the page, and lets time pass. */
  look(mistake: Mistake): Promise<Seen>;
  close(): Promise<void>;
}

export async function mistakeApp(): Promise<MistakeApp> {
  const app = await installApp('vite');
  await cp(new URL('./mistakes/servers.mjs', import.meta.url), join(app.folder, 'servers.mjs'));
  const port = String(await freePort());
  const pageUrl = `http://127.0.0.1:${port}/`;
  const broker = await startBroker(app, '--allowed-origins', `http://localhost:${port}`);
  const servers = await app.start(/Listening: (\{.*\})\./, 'node', 'servers.mjs', broker.url);
  const { urls, paths }: { urls: Record<'own' | 'api' | 'closed', string>; paths: string[] } =
    JSON.parse(servers.match[1] ?? '');
  // The right route, beside those of the mistakes; none leads from /missing to anywhere.
  await app.edit(
    'vite.config.ts',
    "'/api/guest-token': { target: 'http://127.0.0.1:8787' },",
    `'/api/guest-token': { target: '${broker.url}' },
     '/down': { target: '${urls.closed}' },
     ${paths.map((path) => `'${path}': { target: '${urls.own}' },`).join('\n')}`,
  );
  // Only what a test opens is loaded.
  await app.edit('vite.config.ts', 'server: {', 'server: { hmr: false,');
  const args = ['run', 'dev', '--', '--host', '0.0.0.0', '--port', port] as const;
  const vite = await app.start(/Local: +http/, 'npm', ...args);
  const html = await readFile(join(app.folder, 'index.html'), 'utf8');
  const main = await readFile(join(app.folder, 'src/main.tsx'), 'utf8');

  let made = 0;
  async function make(mistake: Mistake): Promise<void> {
    // Files of its own, so that Vite can't serve those of the last one.
    made += 1;
    const { head = '', code = appWith(mistake) } = mistake;
    await app.write(`src/App${made}.tsx`, code);
    await app.write(`src/main${made}.tsx`, main.replace('./App', `./App${made}`));
    const page = html.replace('/src/main', `/src/main${made}`);
    await app.write('index.html', page.replace('</head>', `${head}</head>`));
  }

  async function look(mistake: Mistake): Promise<Seen> {
    await make(mistake);
    const logs = { broker, servers, vite };
    const before = Object.values(logs).map((one) => one.printed().length);
    const visited = await visit(pageUrl, mistake.prepare);
    const { page, posts, complaints } = visited;
    try {
      if (mistake.forMs === undefined) await untilDone(visited, mistake.until);
      else await letPass(page, mistake.forMs);
      // the calls of an effect, and their lines on the console
      await page.waitForLoadState('networkidle');
      const [ofBroker = '', ofServers = '', ofVite = ''] = Object.values(logs).map((one, index) =>
        one.printed().slice(before[index]),
      );
      return {
        shown: (await page.locator('#root').textContent()) ?? '',
        console: complaints,
        ours: oursOf(complaints),
        posts,
        broker: ofBroker,
        servers: ofServers,
        vite: ofVite,
      };
    } finally {
      await visited.close();
    }
  }

  // Vite prepares the packages at the first visit, and loads the page again.
  await look({ code: `import '@tanstack/react-query';${appWith({})}` });
  return { app, broker, pageUrl, apiUrl: urls.api, make, look, close: () => app.close() };
}

async function untilDone(visited: Visit, until: Mistake['until']): Promise<void> {
  const { page, complaints } = visited;
  const result = page.getByRole('alert').or(page.getByText(/^Connected as/));
  await vi.waitFor(
    async () => {
      await letPass(page, 500);
      if (until) return expect(until(visited)).toBe(true);
      const isBroken = complaints.some((line) => line.includes('Error: '));
      if (!isBroken) expect(await result.count()).toBe(1);
    },
    { timeout: 60_000, interval: 100 },
  );
}

/** Slowly: an answer needs real time, and an attempt may take ten seconds of the page's. */
async function letPass(page: Page, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    await page.clock.runFor(500);
    await setTimeout(100);
  }
}

/** App.tsx with a provider and a component that shows the state. */
export function appWith({ props = 'externalId="anonymous"', effect = '' }: Mistake): string {
  return `
import { useEffect } from 'react';
import { GuestTokenProvider, useGuestFetch, useGuestToken } from 'react-guest-token';

function Chat() {
  const { status, visitorId, error, getToken, refresh } = useGuestToken();
  const guestFetch = useGuestFetch();
  useEffect(() => {
    if (status !== 'success') return;
    (async () => { ${effect} })();
    void getToken; void guestFetch; void refresh;
  }, [status, getToken, guestFetch, refresh]);
  if (status === 'success') return <p>Connected as {visitorId}</p>;
  if (status === 'error') return <p role="alert">{error.message}</p>;
  return <p>Connecting…</p>;
}

export default function App() {
  return <GuestTokenProvider ${props}><Chat /></GuestTokenProvider>;
}
`;
}

/** The lines of this package. */
export function oursOf(console: readonly string[]): string[] {
  return console
    .filter((line) => line.startsWith('react-guest-token: '))
    .map((line) => line.replace(/^react-guest-token: | See https:.*$/g, ''));
}
