// The mistakes of the Troubleshooting page, made in an app of Vite: what the page, the browser's console
// and the servers say. The docs have to quote the same sentences.
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentAt } from '../docs/documents.ts';
import { sectionOf } from '../docs/markdown.ts';
import { freePort } from './app.ts';
import { appWith, type MistakeApp, mistakeApp, oursOf } from './mistakes.ts';
import { startBroker, UNTIL_RENEWAL_MS, type Visit, visit } from './visit.ts';

const troubleshooting = documentAt('stories/docs/help/troubleshooting.mdx').text;

let mistakes: MistakeApp;
let look: MistakeApp['look'];
beforeAll(async () => {
  mistakes = await mistakeApp();
  look = mistakes.look;
});
afterAll(() => mistakes.close());

const complains = ({ complaints }: Visit): boolean => oursOf(complaints).length > 0;

const symptoms: string[] = [];

/** Tests a section of the docs. `quotes` fails unless the section has the line, word for word. */
function symptom(heading: string, define: (quotes: (line: string | undefined) => void) => void) {
  symptoms.push(heading);
  describe(heading, () =>
    define((line = '') => {
      // hosts and paths as the docs have them
      const written = line
        .replaceAll(mistakes.broker.url, 'https://chat.example.com')
        .replaceAll(mistakes.apiUrl, 'https://api.mypurecloud.ie')
        .replace(/The source \/\S+/, 'The source /api/guest-token');
      expect(sectionOf(troubleshooting, heading)).toContain(`\`${written}\``);
    }),
  );
}

const from = (source: string, externalId = 'anonymous'): string =>
  `externalId="${externalId}" source="${source}"`;

symptom('404', (quotes) => {
  it('the console names the URL, and the broker sees nothing', async () => {
    const seen = await look({ props: from('/missing') });
    expect(seen.shown).toBe('The source /missing answered 404. Check the URL.');
    expect(seen.ours).toEqual([`${seen.shown} (rejected)`]);
    expect(seen.broker).toBe('');
    quotes(seen.ours[0]);
  });

  it('from Genesys is a 502 for the page', async () => {
    const seen = await look({ props: from('/wrong-path', 'ada') });
    expect(seen.ours).toEqual([
      'The source /wrong-path answered 502. Check channelId and attributes. (rejected)',
    ]);
    expect(seen.servers).toContain('"operation":"visitor","status":404');
    quotes(seen.ours[0]);
  });
});

symptom('403', (quotes) => {
  it('because authorize names somebody else: the console and the log name other_visitor', async () => {
    const seen = await look({ props: from('/bob') });
    expect(seen.shown).toBe('The source /bob answered 403. Check externalId and authorize.');
    expect(seen.ours).toEqual([`${seen.shown} (identity_mismatch, other_visitor)`]);
    expect(seen.servers).toMatch(/"type":"failed","code":"identity_mismatch",.*"other_visitor"/);
    quotes(seen.ours[0]);
  });

  it('from Genesys: the console and the log name no reason, the log names a contextId', async () => {
    const { origin } = new URL(mistakes.pageUrl);
    const faulty = ['--sandbox-fault', 'missing-role', '--allowed-origins', origin];
    const broker = await startBroker(mistakes.app, ...faulty);
    const seen = await look({ props: from(`${broker.url}/api/guest-token`) });
    expect(seen.shown).toMatch(/ answered 403\. Check role permission and OAuth scope\.$/);
    expect(seen.ours).toEqual([`${seen.shown} (forbidden)`]);
    expect(broker.printed()).toMatch(/"code":"forbidden","status":\d+,"contextId":"[\w-]+"/);
    await broker.stop();
    quotes(seen.ours[0]?.replace(broker.url, ''));
  });

  it('from a firewall: the console says the same, and the broker sees nothing', async () => {
    const seen = await look({ props: from('/firewall') });
    expect(seen.shown).toBe(
      'The source /firewall answered 403. Check role permission and OAuth scope.',
    );
    expect(seen.ours).toEqual([`${seen.shown} (forbidden)`]);
    expect(seen.broker + seen.servers).toBe('');
    quotes(seen.ours[0]);
  });
});

symptom('401 from the broker', (quotes) => {
  it('because authorize returns null: the console and the log name signed_out', async () => {
    const seen = await look({ props: from('/nobody') });
    expect(seen.shown).toMatch(/^The source \/nobody answered 401\. /);
    expect(seen.ours).toEqual([`${seen.shown} (unauthorized, signed_out)`]);
    expect(seen.servers).toMatch(/"type":"failed","code":"unauthorized",.*"reason":"signed_out"/);
    quotes(seen.ours[0]);
  });
});

symptom('HTML instead of JSON', (quotes) => {
  it('the console names the URL, and the broker sees nothing', async () => {
    const seen = await look({ props: from('/html') });
    expect(seen.shown).toBe('The source /html answered no usable token. Check the URL.');
    expect(seen.ours).toEqual([`${seen.shown} (malformed_reply)`]);
    expect(seen.broker).toBe('');
    quotes(seen.ours[0]);
  });
});

symptom('502 from the development server', (quotes) => {
  it('after three attempts the console names the source, and Vite says why', async () => {
    const seen = await look({ props: from('/down') });
    expect(seen.shown).toBe('The source /down answered 502. Check the source.');
    expect(seen.ours).toEqual([`${seen.shown} (unavailable)`]);
    expect(seen.console.filter((line) => line.includes('status of 502'))).toHaveLength(3);
    expect(seen.vite).toMatch(/proxy error: \/down[\s\S]*ECONNREFUSED/);
    quotes(seen.ours[0]);
  });
});

symptom('401 on a call with the guest fetch', (quotes) => {
  it('because its origin is not in origins: the console names the origin', async () => {
    const seen = await look({ effect: `await guestFetch('${mistakes.apiUrl}/messages');` });
    expect(seen.servers).toBe('The API was sent nothing.\n');
    expect(seen.ours).toEqual([
      `A call to ${mistakes.apiUrl} was answered 401. It carried no token: add the origin to origins.`,
    ]);
    quotes(seen.ours[0]);
  });

  it('that refuses every token: it is sent two of them, and the console says nothing else', async () => {
    const seen = await look({
      props: `externalId="anonymous" origins={['${mistakes.apiUrl}']}`,
      effect: `await guestFetch('${mistakes.apiUrl}/never');`,
    });
    expect(seen.servers).toBe('The API was sent a token.\n'.repeat(2));
    expect(seen.posts).toHaveLength(2);
    expect(seen.ours).toEqual([]);
  });
});

symptom('401 on a call of your own', () => {
  it('because an await is missing: the API is sent a promise, and only the API says so', async () => {
    const headers = "headers: { Authorization: 'Bearer ' + getToken() }";
    const call = `fetch('${mistakes.apiUrl}/messages', { ${headers} })`;
    const seen = await look({ effect: `await ${call};` });
    expect(seen.servers).toContain('The API was sent Bearer [object Promise].');
    expect(seen.ours).toEqual([]);
  });

  it('because a module keeps the first token: it is still sent after it has been renewed', async () => {
    const headers = "headers: { Authorization: 'Bearer ' + kept }";
    const code = appWith({
      effect: `kept ??= await getToken();
        setInterval(() => fetch('${mistakes.apiUrl}/messages', { ${headers} }), 60_000);`,
    });
    await mistakes.make({ code: `let kept: string | undefined;\n${code}` });
    const { page, tokens, complaints, close } = await visit(mistakes.pageUrl);
    try {
      const sent: (string | undefined)[] = [];
      page.on('request', async (request) => {
        if (request.url().endsWith('/messages'))
          sent.push((await request.allHeaders()).authorization);
      });
      await page.getByText(/^Connected as/).waitFor();
      await page.clock.fastForward(UNTIL_RENEWAL_MS);
      await expect.poll(() => tokens.length).toBe(2);
      await page.clock.fastForward(60_000);
      await expect.poll(() => sent.length).toBeGreaterThan(1);
      expect(new Set(sent)).toEqual(new Set([`Bearer ${tokens[0]}`]));
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });
});

symptom('Offline, but the network works', (quotes) => {
  it('CORS: the browser says so beside the package, and the broker logs the origin', async () => {
    const source = `${mistakes.broker.url}/api/guest-token`;
    const seen = await look({ props: from(source) });
    expect(seen.shown).toBe(`The source ${source} failed. Check network and CORS.`);
    expect(seen.ours).toEqual([`${seen.shown} (unreachable)`]);
    expect(seen.console.join('\n')).toMatch(/blocked by CORS policy/);
    const { origin } = new URL(mistakes.pageUrl);
    expect(seen.broker).toContain(`"reason":"foreign_origin","origin":"${origin}"`);
    quotes(seen.ours[0]);
    quotes('blocked by CORS policy');
  });

  it('Content Security Policy: the browser names the directive, and the broker sees nothing', async () => {
    const source = `${mistakes.broker.url}/api/guest-token`;
    const policy = `<meta http-equiv="Content-Security-Policy" content="connect-src 'self'">`;
    const seen = await look({ props: from(source), head: policy });
    expect(seen.ours).toEqual([
      `The source ${source} failed. Check network and CORS. (unreachable)`,
    ]);
    expect(seen.console.join('\n')).toContain(
      `violates the following Content Security Policy directive: "connect-src 'self'"`,
    );
    expect(seen.broker).toBe('');
    quotes('violates the following Content Security Policy directive');
  });
});

symptom('An empty broker log', () => {
  it('at level warn the log has no line for a request that succeeds', async () => {
    const port = String(await freePort());
    const options = ['--sandbox', '--port', port, '--log-level', 'warn'];
    const script = `npx guest-token-broker serve ${options.join(' ')} & echo started; wait`;
    const broker = await mistakes.app.start(/started/, 'sh', '-c', script);
    const body = { externalId: 'anonymous', channelId: 'webchat-default', attributes: {} };
    const ask = () =>
      fetch(`http://127.0.0.1:${port}/api/guest-token`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }).then(({ status }) => status);
    await expect.poll(() => ask().catch(() => 0), { timeout: 20_000 }).toBe(200);
    expect(broker.printed()).toBe('started\n');
    await broker.stop();
  });
});

/** Who the page is connected as, at first and after each of two reloads; and its requests. */
async function reload(url: string, props: string): Promise<{ visitors: number; requests: number }> {
  await mistakes.make({ props });
  const { page, posts, complaints, close } = await visit(url);
  try {
    const visitors = new Set<string | null>();
    for (let load = 0; load < 3; load++) {
      if (load > 0) await page.reload();
      visitors.add(await page.getByText(/^Connected as visitor-/).textContent({ timeout: 30_000 }));
    }
    expect(complaints).toEqual([]);
    return { visitors: visitors.size, requests: posts.length };
  } finally {
    await close();
  }
}

symptom('A new visitor on every page load', () => {
  it('happens where the broker is on another site, and its log has one identity each', async () => {
    const before = mistakes.broker.printed().length;
    // localhost and 127.0.0.1 are two sites
    const url = mistakes.pageUrl.replace('127.0.0.1', 'localhost');
    const source = `${mistakes.broker.url}/api/guest-token`;
    expect(await reload(url, from(source))).toMatchObject({ visitors: 3 });
    const log = mistakes.broker.printed().slice(before);
    const issued = log.matchAll(/"type":"issued","identity":"(\w+)"/g);
    expect(new Set([...issued].map(([, identity]) => identity)).size).toBe(3);
  });

  it('happens where the cookie secret changes', async () => {
    expect(await reload(mistakes.pageUrl, from('/new-secret'))).toMatchObject({ visitors: 3 });
  });
});

symptom('A request on every page load', () => {
  it('is the default, for one and the same visitor', async () => {
    const seen = await reload(mistakes.pageUrl, 'externalId="anonymous"');
    expect(seen).toEqual({ visitors: 1, requests: 3 });
  });

  it('is one for all with storage="session"', async () => {
    const seen = await reload(mistakes.pageUrl, 'externalId="anonymous" storage="session"');
    expect(seen).toEqual({ visitors: 1, requests: 1 });
  });
});

/** An app that renders once a second, and gives its provider these. */
const rendering = (props: string): string =>
  appWith({ props })
    .replace('useEffect }', 'useEffect, useState }')
    .replace('import {', "import { QueryClient } from '@tanstack/react-query';\nimport {")
    .replace(
      'export default function App() {',
      `async function ask({ externalId, channelId }: { externalId: string; channelId: string }) {
        const response = await fetch('/api/guest-token', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ externalId, channelId, attributes: {} }),
        });
        return response.json();
      }

      export default function App() {
        const [, setRenders] = useState(0);
        useEffect(() => {
          const timer = setInterval(() => setRenders((renders) => renders + 1), 1_000);
          return () => clearInterval(timer);
        }, []);
        void QueryClient; void ask;`,
    );

symptom('A request on every render', (quotes) => {
  it.each([
    'queryClient={new QueryClient()}',
    'source={Object.assign((request) => ask(request), { key: String(Math.random()) })}',
  ])('comes with %s, and the console says it once', async (prop) => {
    const code = rendering(`externalId="anonymous" ${prop}`);
    const seen = await look({ code, until: ({ posts }) => posts.length > 10 });
    expect(seen.ours).toHaveLength(1);
    quotes(seen.ours[0]);
  });

  it('does not come with a source function without a key', async () => {
    const code = rendering('externalId="anonymous" source={(request) => ask(request)}');
    const seen = await look({ code, forMs: 20_000 });
    expect(seen.posts).toHaveLength(1);
    expect(seen.console).toEqual([]);
  });

  it('does not come with another React key, since the token outlives its provider', async () => {
    const code = rendering('externalId="anonymous" key={Math.random()}');
    const seen = await look({ code, forMs: 30_000 });
    // A request that is under way when the provider goes is aborted, and made again.
    expect(seen.posts.length).toBeLessThan(10);
    expect(seen.console).toEqual([]);
  });
});

symptom('The status stays pending', () => {
  const hide = (page: Page): Promise<void> =>
    page.addInitScript(() => {
      Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
    });

  it.each([
    { why: 'the page is hidden', mistake: { prepare: hide } },
    { why: 'nobody asks', mistake: { props: 'externalId="anonymous" keepFresh="on-demand"' } },
    {
      why: 'the widget shows idle alike',
      mistake: { props: 'externalId={null}' },
    },
  ])('because $why: no request, and nothing on the console or in a log', async ({ mistake }) => {
    const seen = await look({ ...mistake, forMs: 15_000 });
    expect(seen.shown).toBe('Connecting…');
    expect(seen.posts).toEqual([]);
    expect(seen.console).toEqual([]);
    expect(seen.broker).toBe('');
  });
});

symptom('It stops after ten requests', (quotes) => {
  it('because an effect refreshes without end: the console says so, and a token stays in use', async () => {
    const code = appWith({}).replace(
      "if (status === 'success')",
      `useEffect(() => { refresh().then(() => setRenders(Math.random()), () => undefined); });
      if (status === 'success')`,
    );
    const seen = await look({
      code: code
        .replace('useEffect }', 'useEffect, useState }')
        .replace('function Chat() {', 'function Chat() { const [, setRenders] = useState(0);'),
      until: complains,
    });
    expect(seen.shown).toMatch(/^Connected as/);
    expect(seen.posts).toHaveLength(10);
    expect(new Set(seen.ours)).toEqual(
      new Set(['The source was asked 10 times in a minute. Wait until retryAtMs. (rate_limited)']),
    );
    expect(seen.console.join('\n')).not.toContain('status of 429');
    quotes(seen.ours[0]);
  });
});

symptom('An empty page', (quotes) => {
  it('because a hook has no provider above: the error names the provider', async () => {
    const seen = await look({
      code: `import { useGuestToken } from 'react-guest-token';
        export default function App() { return <p>{useGuestToken().status}</p>; }`,
    });
    const message = 'useGuestToken needs a <GuestTokenProvider> above.';
    expect(seen.shown).toBe('');
    expect(seen.console.join('\n')).toContain(message);
    quotes(message);
  });

  it('because externalId is undefined while it loads: the error says what to pass', async () => {
    const seen = await look({ props: 'externalId={undefined}' });
    const message = 'Option "externalId" must be text; pass null while loading.';
    expect(seen.shown).toBe('');
    expect(seen.console.join('\n')).toContain(message);
    expect(seen.posts).toEqual([]);
    quotes(message);
  });

  it('because a hook is called outside of a component: React says so', async () => {
    const seen = await look({
      code: `${appWith({})}\nexport const { token } = useGuestToken();`,
    });
    expect(seen.shown).toBe('');
    expect(seen.console.join('\n')).toContain('Invalid hook call.');
    quotes('Invalid hook call');
  });
});

it('each section of the page is about a mistake that is made here, in the same order', () => {
  const headings = [...troubleshooting.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(symptoms);
});
