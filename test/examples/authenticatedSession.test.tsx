// The messenger of the example, on the real provider, the real broker and the sandbox's socket.
import { ws } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { endpointTokenSource } from '../../src/core/tokenSource.ts';
import { webMessagingTokenSource } from '../../src/messaging/webMessagingTokenSource.ts';
import { genesysSandbox } from '../../src/sandbox/genesysSandbox.ts';
import type { SandboxRequest } from '../../src/sandbox/requestLog.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { authenticatedWebMessaging } from '../../src/server/issuers/authenticatedWebMessaging.ts';
import { MINUTE, type Page, pass, SECOND, showWidget, withFakeTime } from '../react/page.tsx';
import { Messenger, type MessengerState } from './client/authenticatedSession.ts';

withFakeTime();

const sandbox = genesysSandbox();
const server = setupServer(...sandbox.handlers);
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
beforeEach(() => {
  sandbox.reset();
  server.resetHandlers();
});
afterAll(() => server.close());

const REDIRECT_URI = 'https://shop.example/signed-in';

interface Scene {
  readonly page: Page;
  readonly messenger: Messenger;
  readonly states: MessengerState[];
  readonly texts: string[];
  /** The tracingIds of refused messages. */
  readonly refused: string[];
}

/** A visitor opens the widget, which comes to this state. */
async function openWidget(state: MessengerState = 'open', signedIn = true): Promise<Scene> {
  const codes = signedIn ? [sandbox.signIn({ externalId: 'ada', redirectUri: REDIRECT_URI })] : [];
  const broker = createGuestTokenBroker({
    issuer: authenticatedWebMessaging({
      deploymentId: sandbox.deploymentId,
      fetch: sandbox.fetch,
      grant() {
        const code = codes.pop();
        return code === undefined ? null : { code, redirectUri: REDIRECT_URI };
      },
    }),
    authorize: async () => ({ externalId: 'ada' }),
  });
  const source = endpointTokenSource('https://shop.example/api/guest-token', {
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      headers.set('Sec-Fetch-Site', 'same-origin');
      return broker(new Request(url, { ...init, headers }));
    },
  });
  const page = showWidget({ externalId: 'ada', source, keepFresh: 'on-demand' });
  const states: MessengerState[] = [];
  const texts: string[] = [];
  const refused: string[] = [];
  const messenger = new Messenger({
    url: `${sandbox.socketUrl}/v1`,
    deploymentId: sandbox.deploymentId,
    sessionId: '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11',
    visitor: page.view,
    onState: (state) => states.push(state),
    onMessage: ({ text }) => texts.push(text),
    onRefused: (tracingId) => refused.push(tracingId),
  });
  messenger.connect();
  await reaches(states, state);
  return { page, messenger, states, texts, refused };
}

/** The broker encrypts, which takes real time as well. */
async function reaches(states: readonly MessengerState[], state: MessengerState): Promise<void> {
  await vi.waitFor(() => expect(states.at(-1)).toBe(state), { timeout: 5_000 });
}

const of = (operation: string): SandboxRequest[] =>
  sandbox.requests.filter((request) => request.operation === operation);

const counts = () => ({
  exchange: sandbox.count('exchange'),
  refresh: sandbox.count('refresh'),
  configure: sandbox.count('configureAuthenticatedSession'),
});

describe('a signed-in messenger', () => {
  test('configures its session with the token, and talks', async () => {
    const { page, messenger, states, texts } = await openWidget();
    expect(states).toEqual(['connecting', 'open']);
    expect(counts()).toEqual({ exchange: 1, refresh: 0, configure: 1 });
    const [{ body } = {}] = of('configureAuthenticatedSession');
    expect(body).toMatchObject({
      token: '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11',
      startNew: false,
      data: { code: page.view.token },
    });
    messenger.send('Where is my parcel?');
    await pass();
    expect(texts).toEqual(['Where is my parcel?', expect.stringMatching(/sandbox/)]);
    messenger.close();
  });

  test('keeps an open conversation though its JWT is over, and asks for none', async () => {
    const { messenger, states, texts } = await openWidget();
    await pass(46 * MINUTE);
    messenger.send('Still there?');
    await pass();
    expect(texts).toHaveLength(2);
    expect(states).toEqual(['connecting', 'open']);
    expect(counts()).toEqual({ exchange: 1, refresh: 0, configure: 1 });
    messenger.close();
  });

  test('refreshes its token and configures again after a 401', async () => {
    sandbox.fault('configureAuthenticatedSession', 'unauthorized', { times: 1 });
    const { messenger, states } = await openWidget();
    expect(states).toEqual(['connecting', 'open']);
    expect(counts()).toEqual({ exchange: 1, refresh: 1, configure: 2 });
    const [first, second] = of('configureAuthenticatedSession').map(({ body }) => body);
    expect(Object(second).data).not.toEqual(Object(first).data);
    messenger.close();
  });

  test('gives up after three refreshes', async () => {
    sandbox.fault('configureAuthenticatedSession', 'unauthorized');
    const { states } = await openWidget('failed');
    await pass(10 * MINUTE);
    expect(states).toEqual(['connecting', 'failed']);
    expect(counts().configure).toBe(4);
    expect(sandbox.messaging.sockets).toBe(0);
  });

  test('has the visitor sign in again after a 403, and does not try by itself', async () => {
    sandbox.fault('configureAuthenticatedSession', 'forbidden', { times: 1 });
    const { states } = await openWidget('sign-in-needed');
    await pass(10 * MINUTE);
    expect(states).toEqual(['connecting', 'sign-in-needed']);
    expect(counts().configure).toBe(1);
  });

  test('knows the broker’s “reauthenticate” from other failures', async () => {
    const { page, states } = await openWidget('sign-in-needed', false);
    await pass(MINUTE);
    expect(states).toEqual(['connecting', 'sign-in-needed']);
    expect(page.view.error).toMatchObject({ code: 'unauthorized', reason: 'reauthenticate' });
    expect(counts()).toEqual({ exchange: 0, refresh: 0, configure: 0 });
  });

  test('comes back by itself when the broker could not get a token for a while', async () => {
    const { messenger, states } = await openWidget();
    await pass(46 * MINUTE);
    sandbox.fault('refresh', 'unavailable');
    sandbox.messaging.cut();
    await pass(2 * MINUTE);
    expect(states).toEqual(['connecting', 'open', 'connecting']);
    sandbox.clear();
    await pass(5 * MINUTE);
    await reaches(states, 'open');
    messenger.close();
  });

  test('reconnects after a lost network, with the same session and the token in hand', async () => {
    const { messenger, states, texts } = await openWidget();
    messenger.send('Hello');
    await pass();
    sandbox.messaging.cut();
    await pass(SECOND / 2);
    expect(states.at(-1)).toBe('connecting');
    await reaches(states, 'open');
    expect(counts()).toEqual({ exchange: 1, refresh: 0, configure: 2 });
    const sessions = of('configureAuthenticatedSession').map(({ body }) => Object(body).token);
    expect(new Set(sessions).size).toBe(1);
    messenger.send('Again');
    await pass();
    expect(texts).toHaveLength(4);
    messenger.close();
  });

  test('reconnects later and later', async () => {
    const { messenger, states } = await openWidget();
    sandbox.fault('connect', 'cut', { times: 4 });
    const before = sandbox.count('connect');
    const startMs = Date.now();
    sandbox.messaging.cut();
    await pass(MINUTE);
    const afterMs = of('connect')
      .slice(before)
      .map(({ atMs }) => Math.round((atMs - startMs) / SECOND));
    expect(afterMs).toEqual([1, 3, 7, 15, 31]);
    expect(states.at(-1)).toBe('open');
    messenger.close();
  });

  test('reconnects with a new token when the JWT ran out meanwhile', async () => {
    const { messenger, states } = await openWidget();
    await pass(46 * MINUTE);
    sandbox.messaging.cut();
    await pass(SECOND);
    await reaches(states, 'open');
    expect(counts()).toEqual({ exchange: 1, refresh: 1, configure: 2 });
    messenger.close();
  });

  test.each([
    ['its session expires', 'expired', () => sandbox.messaging.expire()],
    ['the visitor signs out elsewhere', 'signed-out', () => sandbox.messaging.signOut('ada')],
  ])('ends when %s, and does not come back by itself', async (_, state, end) => {
    const { states } = await openWidget();
    end();
    await pass(MINUTE);
    expect(states).toEqual(['connecting', 'open', state]);
    expect(sandbox.messaging.sockets).toBe(0);
  });

  test('ends when the visitor signs out on this page', async () => {
    const { page, states } = await openWidget();
    page.update({ externalId: null });
    sandbox.messaging.cut();
    await pass(MINUTE);
    expect(states).toEqual(['connecting', 'open', 'connecting', 'signed-out']);
  });

  test('lends its socket to the source of history JWTs, over a reconnect too', async () => {
    const { messenger } = await openWidget();
    messenger.send('Hello');
    await pass();
    sandbox.messaging.cut();
    await pass();
    const source = webMessagingTokenSource({
      socket: () => messenger.socket,
      token: '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11',
    });
    const request = { externalId: 'ada', channelId: 'any', attributes: {}, fresh: false };
    const reply = source(request, { signal: new AbortController().signal });
    await pass(3 * SECOND);
    const headers = { Authorization: `Bearer ${(await reply).token}` };
    const history = await sandbox.fetch(`${sandbox.apiUrl}/api/v2/webmessaging/messages`, {
      headers,
    });
    expect(await history.json()).toMatchObject({ total: 2 });
    expect(sandbox.count('getJwt')).toBe(1);
    messenger.close();
  });
});

describe('a messenger whose server misbehaves', () => {
  /** Sends frames to every socket as it opens, beside what the sandbox sends. */
  function sendOnOpen(...frames: readonly (object | string | Uint8Array<ArrayBuffer>)[]): void {
    const link = ws.link(`${sandbox.socketUrl}/*`);
    server.use(
      link.addEventListener('connection', ({ client }) => {
        for (const frame of frames) {
          const isData = typeof frame === 'string' || frame instanceof Uint8Array;
          client.send(isData ? frame : JSON.stringify(frame));
        }
      }),
    );
  }

  test.each(['hang', 'html', 'foreign-tracing-id'] as const)(
    'reconnects when its session is not configured within 10 s: %s',
    async (fault) => {
      sandbox.fault('configureAuthenticatedSession', fault, { times: 1 });
      const { messenger, states } = await openWidget('connecting');
      await vi.waitFor(() => expect(counts().configure).toBe(1));
      await pass(9 * SECOND);
      expect(sandbox.count('connect')).toBe(1);
      await pass(3 * SECOND);
      await reaches(states, 'open');
      expect(counts()).toEqual({ exchange: 1, refresh: 0, configure: 2 });
      messenger.close();
    },
  );

  test('waits as long as a 429 says, and no longer than five minutes', async () => {
    sandbox.fault(
      'configureAuthenticatedSession',
      { kind: 'rate-limited', seconds: 20 },
      { times: 1 },
    );
    const tooLong = { kind: 'rate-limited', seconds: 1e9 } as const;
    sandbox.fault('configureAuthenticatedSession', tooLong, { times: 1 });
    const { messenger, states } = await openWidget('connecting');
    await vi.waitFor(() => expect(counts().configure).toBe(1));
    await pass(19 * SECOND);
    expect(sandbox.count('connect')).toBe(1);
    await pass(7 * SECOND);
    expect(sandbox.count('connect')).toBe(2);
    await vi.waitFor(() => expect(counts().configure).toBe(2));
    await pass(4 * MINUTE);
    expect(sandbox.count('connect')).toBe(2);
    await pass(3 * MINUTE);
    await reaches(states, 'open');
    messenger.close();
  });

  test.each([503, 5000])('reconnects when configuring is answered %i', async (status) => {
    const fault = { kind: 'unavailable', status } as const;
    sandbox.fault('configureAuthenticatedSession', fault, { times: 1 });
    const { messenger, states } = await openWidget('connecting');
    await reaches(states, 'open');
    expect(counts().configure).toBe(2);
    messenger.close();
  });

  test.each([400, 4017])('gives up when configuring is answered %i', async (status) => {
    const fault = { kind: 'unavailable', status } as const;
    sandbox.fault('configureAuthenticatedSession', fault);
    const { states } = await openWidget('failed');
    await pass(MINUTE);
    expect(states).toEqual(['connecting', 'failed']);
    expect(counts().configure).toBe(1);
  });

  test('takes a refusal without a tracingId for the answer to its configuration', async () => {
    sandbox.fault('configureAuthenticatedSession', 'hang');
    sendOnOpen({ type: 'response', class: 'string', code: 400, body: 'Request failed.' });
    const { states } = await openWidget('failed');
    expect(states).toEqual(['connecting', 'failed']);
  });

  test('does not fight with a fourth tab for the last of three places', async () => {
    const { states } = await openWidget();
    sandbox.messaging.close('Too many connections');
    await pass(MINUTE);
    expect(states).toEqual(['connecting', 'open', 'failed']);
    expect(sandbox.count('connect')).toBe(1);
  });

  test.each(['rate-limited', 'unavailable'] as const)(
    'tells which message was refused, and stays open: %s',
    async (fault) => {
      const { messenger, states, texts, refused } = await openWidget();
      sandbox.fault('onMessage', fault, { times: 1 });
      const first = messenger.send('Hello?');
      messenger.send('Anybody?');
      await pass();
      expect(refused).toEqual([first]);
      expect(texts).toEqual(['Anybody?', expect.stringMatching(/sandbox/)]);
      expect(states).toEqual(['connecting', 'open']);
      messenger.close();
    },
  );

  test('learns from the answer to a message that its session has expired', async () => {
    const { messenger, states } = await openWidget();
    sandbox.fault('onMessage', { kind: 'unavailable', status: 4006 });
    messenger.send('Hello?');
    await pass();
    expect(states).toEqual(['connecting', 'open', 'expired']);
  });

  test('ignores what is not a message', async () => {
    const body = { direction: 'Inbound', id: 'x', type: 'Text', text: 'ping' };
    sendOnOpen(
      'not JSON',
      'null',
      '"text"',
      '[]',
      new Uint8Array([1, 2]),
      { type: 'message', class: 'StructuredMessage', code: 200 },
      { type: 'message', class: 'StructuredMessage', code: 200, body: { type: 'Event' } },
      { type: 'response', class: 'StructuredMessage', code: 200, tracingId: 'of-an-echo', body },
      { type: 'message', class: 'SomethingNew', code: 200, body: { text: 'Surprise' } },
    );
    const { messenger, states, texts } = await openWidget();
    messenger.send('Hello');
    await pass();
    expect(states).toEqual(['connecting', 'open']);
    expect(texts).toEqual(['Hello', expect.stringMatching(/sandbox/)]);
    messenger.close();
  });
});
