// Mistakes that people make, made in an app of Vite: what the page, the browser's console and the
// servers say. The page Troubleshooting of the docs begins with these sentences.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type App, freePort, installApp, type Running } from './app.ts';
import { startBroker, visit } from './visit.ts';

let app: App;
let broker: Running & { url: string };
let servers: Running;
let vite: Running;
let pageUrl: string;
let urls: { own: string; api: string; closed: string };

beforeAll(async () => {
  app = await installApp('vite');
  await cp(new URL('./mistakes/servers.mjs', import.meta.url), join(app.folder, 'servers.mjs'));
  const port = String(await freePort());
  pageUrl = `http://127.0.0.1:${port}/`;
  broker = await startBroker(app, '--allowed-origins', `http://localhost:${port}`);
  servers = await app.start(/Listening: (\{.*\})\./, 'node', 'servers.mjs');
  urls = JSON.parse(servers.match[1] ?? '');
  // The right route, beside those of the mistakes; none leads from /missing to anywhere.
  await app.edit(
    'vite.config.ts',
    "'/api/guest-token': { target: 'http://127.0.0.1:8787' },",
    `'/api/guest-token': { target: '${broker.url}' },
     '/down': { target: '${urls.closed}' },
     '/nobody': { target: '${urls.own}' },
     '/bob': { target: '${urls.own}' },
     '/html': { target: '${urls.own}' },`,
  );
  const args = ['run', 'dev', '--', '--host', '0.0.0.0', '--port', port] as const;
  vite = await app.start(/Local: +http/, 'npm', ...args);
  // Vite prepares the packages at the first visit, and loads the page again.
  await look({});
});
afterAll(() => app.close());

interface Mistake {
  /** What the provider is given beside `externalId`. */
  readonly props?: string;
  /** What the component does once it is connected. */
  readonly effect?: string;
  /** Default: a provider with a component below it. */
  readonly App?: string;
}

const appWith = ({ props = '', effect = '' }: Mistake): string => `
import { useEffect } from 'react';
import { GuestTokenProvider, useGuestFetch, useGuestToken } from 'react-guest-token';

function Chat() {
  const { status, visitorId, error, getToken } = useGuestToken();
  const guestFetch = useGuestFetch();
  useEffect(() => {
    if (status !== 'success') return;
    (async () => { ${effect} })();
    void getToken; void guestFetch;
  }, [status, getToken, guestFetch]);
  if (status === 'success') return <p>Connected as {visitorId}</p>;
  if (status === 'error') return <p role="alert">{error.message}</p>;
  return <p>Connecting…</p>;
}

export default function App() {
  return <GuestTokenProvider externalId="anonymous" ${props}><Chat /></GuestTokenProvider>;
}
`;

interface Seen {
  /** What the page shows in the end. */
  readonly shown: string;
  readonly console: readonly string[];
  /** What the three servers printed meanwhile. */
  readonly broker: string;
  readonly servers: string;
  readonly vite: string;
}

/** Makes the mistake, opens the page, and lets time pass until it has a result. */
async function look(mistake: Mistake): Promise<Seen> {
  await app.write('src/App.tsx', mistake.App ?? appWith(mistake));
  const logs = { broker, servers, vite };
  const before = Object.values(logs).map((one) => one.printed().length);
  const { page, complaints, close } = await visit(pageUrl);
  try {
    const result = page.getByRole('alert').or(page.getByText(/^Connected as/));
    await vi.waitFor(
      async () => {
        // Slowly: an answer needs real time, and an attempt may take ten seconds of the page's.
        await page.clock.runFor(500);
        const isBroken = complaints.some((line) => line.includes('GuestTokenError'));
        if (!isBroken) expect(await result.count()).toBe(1);
      },
      { timeout: 60_000, interval: 200 },
    );
    // the calls of an effect, and their lines on the console
    await page.waitForLoadState('networkidle');
    const [ofBroker = '', ofServers = '', ofVite = ''] = Object.values(logs).map((one, index) =>
      one.printed().slice(before[index]),
    );
    const shown = (await page.locator('#root').textContent()) ?? '';
    return { shown, console: complaints, broker: ofBroker, servers: ofServers, vite: ofVite };
  } finally {
    await close();
  }
}

/** What the console says for a failed acquisition, without the link at its end. */
const ours = (seen: Seen): string[] =>
  seen.console
    .filter((line) => line.startsWith('react-guest-token: '))
    .map((line) => line.replace(/^react-guest-token: | See https:.*$/g, ''));

describe('a source that does not lead to the broker', () => {
  it('without a proxy: 404, the hint names the URL, and the broker sees nothing', async () => {
    const seen = await look({ props: 'source="/missing"' });
    expect(seen.shown).toBe('The source /missing answered 404. Check the URL.');
    expect(ours(seen)).toEqual([`${seen.shown} (rejected)`]);
    expect(seen.broker).toBe('');
  });

  it('that answers HTML: the hint names the URL, and the broker sees nothing', async () => {
    const seen = await look({ props: 'source="/html"' });
    expect(seen.shown).toBe('The source /html answered no usable token. Check the URL.');
    expect(ours(seen)).toEqual([`${seen.shown} (malformed_reply)`]);
    expect(seen.broker).toBe('');
  });

  it('because the broker is not running: Vite says why, after three attempts', async () => {
    const seen = await look({ props: 'source="/down"' });
    expect(seen.shown).toBe('The source /down answered 502. Check the source.');
    expect(ours(seen)).toEqual([`${seen.shown} (unavailable)`]);
    expect(seen.console.filter((line) => line.includes('status of 502'))).toHaveLength(3);
    expect(seen.vite).toMatch(/proxy error: \/down[\s\S]*ECONNREFUSED/);
  });
});

describe('a broker that refuses', () => {
  it('because authorize returns null: 401, with the reason signed_out', async () => {
    const seen = await look({ props: 'source="/nobody"' });
    expect(seen.shown).toMatch(/^The source \/nobody answered 401\. /);
    expect(ours(seen)).toEqual([`${seen.shown} (unauthorized, signed_out)`]);
    expect(seen.servers).toMatch(/"type":"failed","code":"unauthorized",.*"reason":"signed_out"/);
  });

  it('because authorize names somebody else: 403, and the hint names both sides', async () => {
    const seen = await look({ props: 'source="/bob"' });
    expect(seen.shown).toBe('The source /bob answered 403. Check externalId and authorize.');
    expect(ours(seen)).toEqual([`${seen.shown} (identity_mismatch, other_visitor)`]);
    expect(seen.servers).toMatch(/"type":"failed","code":"identity_mismatch",.*"other_visitor"/);
  });

  it('because the page is on a foreign origin: CORS for the page, the origin in the log', async () => {
    const source = `${broker.url}/api/guest-token`;
    const seen = await look({ props: `source="${source}"` });
    expect(seen.shown).toBe(`The source ${source} failed. Check network and CORS.`);
    expect(ours(seen)).toEqual([`${seen.shown} (unreachable)`]);
    expect(seen.console.join('\n')).toMatch(/blocked by CORS policy/);
    const origin = new URL(pageUrl).origin;
    expect(seen.broker).toContain(`"reason":"foreign_origin","origin":"${origin}"`);
  });
});

describe('a call that carries no token', () => {
  it('because its origin is not in origins: 401, and the console names the origin', async () => {
    const seen = await look({ effect: `await guestFetch('${urls.api}/messages');` });
    expect(seen.servers).toBe('The API was sent nothing.\n');
    expect(ours(seen)).toEqual([
      `A call to ${urls.api} was answered 401. It carried no token: add the origin to origins.`,
    ]);
  });

  it('because an await is missing: the API is sent a promise, and only the API says so', async () => {
    const headers = "headers: { Authorization: 'Bearer ' + getToken() }";
    const seen = await look({ effect: `await fetch('${urls.api}/messages', { ${headers} });` });
    expect(seen.servers).toContain('The API was sent Bearer [object Promise].');
    expect(ours(seen)).toEqual([]);
  });
});

it('a hook without a provider throws, and the message names the provider', async () => {
  const seen = await look({
    App: `import { useGuestToken } from 'react-guest-token';
      export default function App() { return <p>{useGuestToken().status}</p>; }`,
  });
  expect(seen.console.join('\n')).toContain('useGuestToken needs a <GuestTokenProvider> above.');
});

describe('a visitor who loads the page again', () => {
  /** Who the page is connected as, at first and after each of two reloads. */
  async function visitors(url: string, code: string): Promise<Set<string | null>> {
    await app.write('src/App.tsx', code);
    const { page, complaints, close } = await visit(url);
    try {
      const seen = new Set<string | null>();
      for (let load = 0; load < 3; load++) {
        if (load > 0) await page.reload();
        seen.add(await page.getByText(/^Connected as visitor-/).textContent({ timeout: 30_000 }));
      }
      expect(complaints).toEqual([]);
      return seen;
    } finally {
      await close();
    }
  }

  it('is the same one where the broker is on the origin of the page', async () => {
    expect(await visitors(pageUrl, appWith({}))).toHaveProperty('size', 1);
  });

  it('is a new one each time where the broker is on another site, and new to its log', async () => {
    const before = broker.printed().length;
    // localhost and 127.0.0.1 are two sites
    const url = pageUrl.replace('127.0.0.1', 'localhost');
    const source = `source="${broker.url}/api/guest-token"`;
    expect(await visitors(url, appWith({ props: source }))).toHaveProperty('size', 3);
    const issued = broker
      .printed()
      .slice(before)
      .matchAll(/"type":"issued","identity":"(\w+)"/g);
    expect(new Set([...issued].map(([, identity]) => identity)).size).toBe(3);
  });
});
