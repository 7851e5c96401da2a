import { type HttpHandler, type HttpServer, listen } from '../../src/bin/httpServer.ts';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { bundlePage } from './bundle.ts';
import type { PageConfig } from './page/main.tsx';
import type { SuspensePageConfig } from './page/suspense.tsx';

/** Nothing but what the page brings along; no eval, no inline script, no worker. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; connect-src *; img-src 'self' data:; require-trusted-types-for 'script'";

/** A shop with a broker, Genesys behind it, and a foreign site: three ports of this machine. */
export interface Site {
  readonly sandbox: SandboxCloud;
  /** Another origin, that says at `/seen` which Authorization has come. */
  readonly foreignUrl: string;
  /** How many requests for a token have come to the shop. */
  readonly asked: number;
  /** For each of them, whether it was for a new token and not for any. */
  readonly askedFresh: readonly boolean[];
  /** How many of them have come from one page of the shop, by its URL. */
  askedBy(pageUrl: string): number;
  /** Calls of the shop's own API, oldest first. */
  readonly calls: readonly Call[];
  /** A page of the shop. The visitor in its URL is who the shop takes to be signed in there. */
  page(visitor: string, config?: PageConfig, options?: PageOptions): string;
  /** A page of the shop without a provider. */
  readonly emptyPage: string;
  /** A page with components that suspend. */
  suspensePage(config: SuspensePageConfig): string;
  /** Answers the next requests for a token, in place of the broker. */
  answer(reply: () => Response | Promise<Response>, times?: number): void;
  /** Leaves the next request for a token without an answer. */
  hold(): void;
  /** Resolves once `done` holds; it is asked after each request. */
  until(done: () => boolean): Promise<void>;
  /** Everything as at the start. */
  reset(): void;
  close(): Promise<void>;
}

export interface PageOptions {
  /** Default `"/"`. */
  readonly path?: string | undefined;
  /** Run in the page before anything else. They see nothing of the test. */
  readonly setup?: readonly (() => void)[] | undefined;
}

export interface Call {
  readonly path: string;
  readonly authorization: string | null;
  readonly type: string | null;
  readonly body: string;
}

const LOCAL = { port: 0, hostname: '127.0.0.1' };

export async function openSite(): Promise<Site> {
  const script = await bundlePage('main');
  let suspenseScript: Promise<string> | undefined;
  const setups: string[] = [];
  const genesys = await openSandbox();
  const foreign = await listen(LOCAL, foreignSite);
  let broker = openBroker(genesys.sandbox);
  let askedFresh: boolean[] = [];
  let askers: string[] = [];
  let replies: (() => Response | Promise<Response>)[] = [];
  let calls: Call[] = [];
  const waiting = new Set<() => void>();
  const held = new Set<() => void>();

  async function token(request: Request): Promise<Response> {
    askedFresh.push(/no-cache/.test(request.headers.get('Cache-Control') ?? ''));
    askers.push(request.headers.get('Referer') ?? '');
    const reply = replies.shift();
    for (const look of waiting) look();
    return reply ? reply() : broker(request);
  }

  async function api(request: Request): Promise<Response> {
    const authorization = request.headers.get('Authorization');
    const type = request.headers.get('Content-Type');
    const call = {
      path: new URL(request.url).pathname,
      authorization,
      type,
      body: await request.text(),
    };
    calls.push(call);
    if (call.path === '/api/away') return Response.redirect(`${foreign.url}/seen`);
    const known = genesys.sandbox.issued.some(({ token }) => authorization === `Bearer ${token}`);
    return known ? Response.json(call) : new Response(null, { status: 401 });
  }

  const shop = await listen(LOCAL, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/api/guest-token') return token(request);
    if (pathname.startsWith('/api/')) return api(request);
    if (pathname === '/main.js') return file('text/javascript', script);
    if (pathname === '/suspense.js') {
      suspenseScript ??= bundlePage('suspense');
      return file('text/javascript', await suspenseScript);
    }
    if (pathname === '/setup.js') {
      return file('text/javascript', setups[Number(searchParams.get('index'))] ?? '');
    }
    if (pathname === '/empty') return file('text/html', EMPTY_HTML);
    const page = pathname === '/suspense' ? 'suspense' : 'main';
    return file('text/html', html(page, searchParams.getAll('setup')));
  });

  /** Where a function stands among those that pages can run first. */
  function setupIndex(work: () => void): string {
    const text = `(${work})();`;
    const known = setups.indexOf(text);
    return String(known < 0 ? setups.push(text) - 1 : known);
  }

  function answer(reply: () => Response | Promise<Response>, times = 1): void {
    for (let time = 0; time < times; time++) replies.push(reply);
  }

  function letGo(): void {
    for (const release of held) release();
    held.clear();
  }

  return {
    sandbox: genesys.sandbox,
    foreignUrl: foreign.url,
    get asked() {
      return askedFresh.length;
    },
    get askedFresh() {
      return askedFresh;
    },
    askedBy: (pageUrl) => askers.filter((asker) => asker === pageUrl).length,
    get calls() {
      return calls;
    },
    page(visitor, config = {}, { path = '/', setup = [] } = {}) {
      const query = new URLSearchParams({ visitor, config: JSON.stringify(config) });
      for (const work of setup) query.append('setup', setupIndex(work));
      return `${shop.url}${path}?${query}`;
    },
    emptyPage: `${shop.url}/empty`,
    suspensePage: (config) =>
      `${shop.url}/suspense?${new URLSearchParams({ config: JSON.stringify(config) })}`,
    answer,
    hold() {
      answer(async () => {
        await new Promise<void>((release) => held.add(release));
        return new Response(null, { status: 503 });
      });
    },
    until: (done) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!done()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    reset() {
      letGo();
      genesys.sandbox.reset();
      broker = openBroker(genesys.sandbox);
      askedFresh = [];
      askers = [];
      replies = [];
      calls = [];
      waiting.clear();
    },
    async close() {
      letGo();
      await Promise.all([shop.close(), foreign.close()]);
      await genesys.server.close();
    },
  };
}

async function openSandbox(): Promise<{ sandbox: SandboxCloud; server: HttpServer }> {
  let answer: HttpHandler = () => new Response(null, { status: 503 });
  const server = await listen(LOCAL, (request) => answer(request));
  const sandbox = createSandboxCloud({
    apiUrl: `${server.url}/api`,
    loginUrl: `${server.url}/login`,
  });
  answer = async (request) => {
    const { url, method, headers, signal } = request;
    const body = method === 'GET' ? null : await request.text();
    return sandbox.fetch(url, { method, headers, signal, body });
  };
  return { sandbox, server };
}

function openBroker({ clientId, clientSecret, apiUrl, loginUrl }: SandboxCloud) {
  return createGuestTokenBroker({
    issuer: webchatVisitors({ clientId, clientSecret, apiUrl, loginUrl }),
    // in place of a session cookie, which all tabs would share
    async authorize({ headers }) {
      const externalId = new URL(headers.get('Referer') ?? '').searchParams.get('visitor');
      return externalId === null ? null : { externalId };
    },
  });
}

function foreignSite(request: Request): Response {
  const headers = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
  return Response.json({ authorization: request.headers.get('Authorization') }, { headers });
}

const HEAD = `<!doctype html>
<html lang="en">
<title>A shop</title>
<link rel="icon" href="data:,">`;

const EMPTY_HTML = `${HEAD}
<p>There is no provider here.</p>
</html>`;

/** @param setups the scripts to run first */
function html(page: string, setups: readonly string[]): string {
  const scripts = setups.map((index) => `<script src="/setup.js?index=${Number(index)}"></script>`);
  return `${HEAD}
${scripts.join('\n')}
<main></main>
<script type="module" src="/${page}.js"></script>
</html>`;
}

function file(type: string, body: string): Response {
  return new Response(body, {
    headers: { 'Content-Type': type, 'Content-Security-Policy': CONTENT_SECURITY_POLICY },
  });
}
