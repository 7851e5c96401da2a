// @vitest-environment node
// The whole way over real HTTP: fetch → broker → OAuth → visitor call, and the calls that carry the
// token. Each host has a port of its own; nothing is mocked in between.
import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listen } from '../../src/bin/httpServer.ts';
import { startSandbox } from '../../src/bin/sandboxServer.ts';
import { toGuestTokenError } from '../../src/core/classify.ts';
import type { GuestTokenError } from '../../src/core/errors.ts';
import { createGuestFetch, type GuestFetchSession } from '../../src/core/guestFetch.ts';
import {
  type EndpointTokenSourceOptions,
  endpointTokenSource,
  type GuestTokenSource,
} from '../../src/core/tokenSource.ts';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import type { Authorize } from '../../src/server/authorize.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { startBroker } from '../bin/process.ts';
import { newConversation } from '../sandbox/newConversation.ts';

// One case starts a process, which a busy machine does slowly.
vi.setConfig({ testTimeout: 30_000 });

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  // in the order of opening: the broker gives up when Genesys is gone
  for (const close of open.splice(0)) await close();
});

interface Hosts {
  readonly sandbox: SandboxCloud;
  readonly brokerUrl: string;
  readonly apiUrl: string;
}

/** Genesys and a broker, each on a port. */
async function start(authorize: Authorize = async () => ({ externalId: 'ada' })): Promise<Hosts> {
  const sandbox = createSandboxCloud();
  const genesys = await startSandbox(sandbox);
  open.push(() => genesys.close(true));
  const { clientId, clientSecret } = sandbox;
  const { apiUrl, loginUrl } = genesys;
  const broker = await listen(
    { port: 0, hostname: '127.0.0.1' },
    createGuestTokenBroker({
      issuer: webchatVisitors({ clientId, clientSecret, apiUrl, loginUrl }),
      authorize,
    }),
  );
  open.push(() => broker.close(true));
  return { sandbox, brokerUrl: `${broker.url}/api/guest-token`, apiUrl };
}

/** Any other server. */
async function startServer(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

const ADA = { externalId: 'ada', channelId: 'webchat-default', attributes: { page: '/pricing' } };

const ask = (source: GuestTokenSource, fresh = false): ReturnType<GuestTokenSource> =>
  source({ ...ADA, fresh }, { signal: new AbortController().signal });

/** As a session sees it: what a source throws is classified. */
async function failureOf(
  url: string,
  options: EndpointTokenSourceOptions = {},
): Promise<GuestTokenError> {
  try {
    await ask(endpointTokenSource(url, options));
  } catch (error) {
    return toGuestTokenError(error);
  }
  throw new Error('there was no failure');
}

describe('a token from the broker', () => {
  it('a browser gets a token that Genesys has issued for its visitor and channel', async () => {
    const { sandbox, brokerUrl } = await start();
    const reply = await ask(endpointTokenSource(brokerUrl));
    expect(reply).toMatchObject({
      id: expect.stringMatching(/^visitor-/),
      token: sandbox.issued[0]?.token,
      external_id: 'ada',
      channel_id: 'webchat-default',
      expires_in: expect.closeTo(3600, -1),
    });
    expect(sandbox.requests.map(({ operation, body }) => [operation, body])).toEqual([
      ['login', { grant_type: 'client_credentials' }],
      ['visitor', ADA],
    ]);
  });

  it('a second request gets the same token without a call to Genesys, a fresh request a new one', async () => {
    const { sandbox, brokerUrl } = await start();
    const source = endpointTokenSource(brokerUrl);
    const first = await ask(source);
    expect((await ask(source)).token).toBe(first.token);
    expect(sandbox.count('visitor')).toBe(1);
    expect((await ask(source, true)).token).not.toBe(first.token);
    expect([sandbox.count('visitor'), sandbox.count('login')]).toEqual([2, 1]);
  });

  it('the broker logs in again if its access token was revoked', async () => {
    const { sandbox, brokerUrl } = await start();
    const source = endpointTokenSource(brokerUrl);
    await ask(source);
    sandbox.revokeAccessTokens();
    expect((await ask(source, true)).token).toMatch(/^eyJ/);
    expect(sandbox.count('login')).toBe(2);
  });

  it('a browser learns when to retry while Genesys is over its limit', async () => {
    const { sandbox, brokerUrl } = await start();
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 42 });
    const beforeMs = Date.now();
    const { code, status, retryAtMs = 0, retryable } = await failureOf(brokerUrl);
    expect([code, status, retryable]).toEqual(['rate_limited', 429, true]);
    expect(retryAtMs).toBeGreaterThanOrEqual(beforeMs + 42_000);
    // a second for rounding up, at each of two hops
    expect(retryAtMs).toBeLessThanOrEqual(Date.now() + 44_000);
  });

  it('a browser is told to check the client if Genesys refuses the login', async () => {
    const { sandbox, brokerUrl } = await start();
    sandbox.fault('login', 'unauthorized');
    const { code, hint, status } = await failureOf(brokerUrl);
    expect([code, status]).toEqual(['unauthorized', 401]);
    expect(hint).toMatch(/client id and secret/);
  });

  it("a browser is told which permission is missing, with Genesys' correlation id", async () => {
    const { sandbox, brokerUrl } = await start();
    sandbox.fault('visitor', 'forbidden');
    const { code, hint, status, contextId } = await failureOf(brokerUrl);
    expect([code, status]).toEqual(['forbidden', 403]);
    expect(hint).toMatch(/role permission and OAuth scope/);
    expect(contextId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('an app renews its own session once after a 401 and is served on its next request', async () => {
    let renewed = 0;
    const { brokerUrl } = await start(async () => (renewed > 0 ? { externalId: 'ada' } : null));
    const source = endpointTokenSource(brokerUrl, { onUnauthorized: () => void renewed++ });
    await expect(ask(source)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(renewed).toBe(1);
    expect((await ask(source)).token).toMatch(/^eyJ/);
  });

  it.each<['login' | 'visitor']>([['login'], ['visitor']])(
    'HTML in place of the JSON of %s is malformed_reply',
    async (operation) => {
      const { sandbox, brokerUrl } = await start();
      sandbox.fault(operation, 'html');
      const error = await failureOf(brokerUrl);
      expect([error.code, error.retryable]).toEqual(['malformed_reply', false]);
      expect(JSON.stringify([error.message, error.hint])).not.toMatch(/accept our terms/);
    },
  );

  it('HTML in place of the broker, as from a captive portal, is malformed_reply', async () => {
    const portal = await startServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end('<h1>Please accept our terms</h1>');
    });
    const error = await failureOf(portal);
    expect(error.code).toBe('malformed_reply');
    expect(`${error.message} ${error.hint}`).not.toMatch(/accept our terms/);
  });

  it('a Genesys that never replies times out', async () => {
    const { sandbox, brokerUrl } = await start();
    sandbox.fault('visitor', 'hang');
    const { code, retryable } = await failureOf(brokerUrl, { timeoutMs: 200 });
    expect([code, retryable]).toEqual(['timed_out', true]);
  });

  it('a broker that never replies times out', async () => {
    const silent = await startServer(() => undefined);
    expect((await failureOf(silent, { timeoutMs: 200 })).code).toBe('timed_out');
  });

  it.each<['login' | 'visitor']>([['login'], ['visitor']])(
    'a connection to Genesys that breaks at the %s is retryable',
    async (operation) => {
      const { sandbox, brokerUrl } = await start();
      sandbox.fault(operation, 'cut', { times: 1 });
      const { code, retryable } = await failureOf(brokerUrl);
      expect([code, retryable]).toEqual(['unreachable', true]);
      expect((await ask(endpointTokenSource(brokerUrl))).token).toMatch(/^eyJ/);
    },
  );

  it('a connection to the broker that breaks is retryable', async () => {
    const broken = await startServer(({ socket }) => socket.destroy());
    expect((await failureOf(broken)).code).toBe('unreachable');
    const half = await startServer((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '100' });
      response.write('{"id":', () => response.destroy());
    });
    expect((await failureOf(half)).code).toBe('unreachable');
  });
});

/** As the provider's: holds a token until it is refused. */
function sessionOn(source: GuestTokenSource): GuestFetchSession {
  let current: string | undefined;
  let fresh = false;
  return {
    async getToken() {
      current ??= (await ask(source, fresh)).token;
      return current;
    },
    reject(token) {
      if (token !== current) return true;
      if (fresh) return false; // the replacement
      current = undefined;
      fresh = true;
      return true;
    },
  };
}

const post = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

describe('a call with the guest token', () => {
  async function startCalls() {
    const { sandbox, brokerUrl, apiUrl } = await start();
    const session = sessionOn(endpointTokenSource(brokerUrl));
    const guestFetch = createGuestFetch({
      session: () => session,
      origins: [new URL(apiUrl).origin],
    });
    const conversations = `${apiUrl}/api/v2/webchat/guest/conversations`;
    const { id, member } = await (await guestFetch(conversations, post(newConversation))).json();
    const messages = `${conversations}/${id}/messages`;
    const memberMessages = `${conversations}/${id}/members/${member.id}/messages`;
    return { sandbox, session, guestFetch, messages, memberMessages };
  }

  const write = (text: string): RequestInit => post({ body: text });

  it('a call whose token was revoked is resent with its body', async () => {
    const { sandbox, guestFetch, messages, memberMessages } = await startCalls();
    expect((await guestFetch(memberMessages, write('Hello?'))).status).toBe(200);
    sandbox.revokeGuestTokens();
    expect((await guestFetch(memberMessages, write('Are you there?'))).status).toBe(200);
    const calls = sandbox.requests.filter(({ operation }) => operation === 'conversation');
    expect(calls.map(({ status, body }) => [status, body])).toEqual([
      [200, { body: 'Hello?' }],
      [401, { body: 'Are you there?' }],
      [200, { body: 'Are you there?' }],
    ]);
    expect(sandbox.count('visitor')).toBe(2);
    const { entities } = await (await guestFetch(messages)).json();
    expect(entities.map(({ body }: { body: string }) => body)).toEqual(
      expect.arrayContaining(['Hello?', 'Are you there?']),
    );
  });

  it('ten calls rejected together cost one new token and ten resends', async () => {
    const { sandbox, session, guestFetch, messages } = await startCalls();
    await session.getToken();
    sandbox.revokeGuestTokens();
    const all = await Promise.all(Array.from({ length: 10 }, () => guestFetch(messages)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    expect(sandbox.count('visitor')).toBe(2);
    expect(sandbox.count('conversation')).toBeLessThanOrEqual(20);
  });

  it('a redirect to another origin never carries the token', async () => {
    const { session } = await startCalls();
    const seen: (string | undefined)[] = [];
    const elsewhere = await startServer(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end('{}');
    });
    let carried: string | undefined;
    const trusted = await startServer(({ headers }, response) => {
      carried = headers.authorization;
      response.writeHead(307, { Location: elsewhere }).end();
    });
    const guestFetch = createGuestFetch({ session: () => session, origins: [trusted] });
    await expect(guestFetch(trusted, write('Hello?'))).rejects.toMatchObject({ status: 307 });
    expect(carried).toBe(`Bearer ${await session.getToken()}`);
    expect(seen).toEqual([]);
    // and the control: what is not trusted is asked, without it
    expect((await guestFetch(elsewhere)).status).toBe(200);
    expect(seen).toEqual([undefined]);
  });
});

it('a broker started by the command line serves tokens and calls in a process of its own', async () => {
  const { child, exited, printed } = startBroker(['serve', '--sandbox', '--port', '0']);
  open.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [, url = ''] = await printed(/"listening","url":"([^"]+)"/);
  let cookie = '';
  const source = endpointTokenSource(`${url}/api/guest-token`, {
    headers: () => ({ Cookie: cookie }),
    // as a browser keeps it
    async fetch(input, init) {
      const response = await fetch(input, init);
      cookie = response.headers.getSetCookie()[0]?.replace(/;.*/s, '') ?? cookie;
      return response;
    },
  });
  const session = sessionOn(source);
  const guestFetch = createGuestFetch({ session: () => session, origins: [url] });
  const conversations = `${url}/api/api/v2/webchat/guest/conversations`;
  const token = await session.getToken();
  const { id, member } = await (await guestFetch(conversations, post(newConversation))).json();
  const messages = `${conversations}/${id}/members/${member.id}/messages`;
  const written = await guestFetch(messages, post({ body: 'Hello?' }));
  expect(written.status).toBe(200);
  expect((await ask(source)).token).toBe(token);
});
