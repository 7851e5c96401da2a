// History over REST: the provider and the guest fetch on JWTs that live a minute.
import { describe, expect, test } from 'vitest';
import { webMessagingTokenSource } from '../../src/messaging/webMessagingTokenSource.ts';
import {
  HOUR,
  MINUTE,
  outcomeOf,
  type Page,
  pass,
  SECOND,
  showWidget,
  withFakeTime,
} from '../react/page.tsx';
import { type FakeServer, fakeServer, ok } from '../react/server.ts';
import {
  historyJwt,
  issuing,
  jwtResponse,
  refusing,
  ScriptedSocket,
  SESSION_TOKEN,
  type SentRequest,
} from './scriptedSocket.ts';

withFakeTime();

const API = 'https://api.mypurecloud.ie';
const HISTORY = `${API}/api/v2/webmessaging/messages`;

interface Scene {
  readonly messenger: { socket: ScriptedSocket | undefined };
  readonly socket: ScriptedSocket;
  readonly page: Page;
  readonly server: FakeServer;
  /** The status of each call that the server has answered. */
  readonly answered: number[];
}

/** A widget that reads history from a server with a clock of its own. */
function messengerPage(script = issuing, clockErrorMs = 0): Scene {
  const socket = new ScriptedSocket(script);
  const messenger: Scene['messenger'] = { socket };
  const answered: number[] = [];
  const server = fakeServer(({ token = '' }) => {
    const { exp } = JSON.parse(atob(token.split('.')[1] ?? ''));
    const status = exp * 1000 > Date.now() - clockErrorMs ? 200 : 401;
    answered.push(status);
    return new Response('{}', { status });
  });
  const page = showWidget({
    source: webMessagingTokenSource({ socket: () => messenger.socket, token: SESSION_TOKEN }),
    keepFresh: 'on-demand',
    expiryBufferMs: 10 * SECOND,
    origins: [API],
  });
  return { messenger, socket, page, server, answered };
}

describe('history over REST', () => {
  test('nobody asks for history: no getJwt in an hour', async () => {
    const { socket } = messengerPage();
    await pass(HOUR);
    expect(socket.sent).toEqual([]);
  });

  test('many calls at once share one getJwt', async () => {
    const { socket, page, answered } = messengerPage();
    for (let n = 0; n < 10; n++) page.fetch(HISTORY);
    await pass();
    expect(socket.sent).toHaveLength(1);
    expect(answered).toEqual(Array(10).fill(200));
  });

  test('calls in each second of ten minutes never carry a JWT that is over', async () => {
    const { socket, page, answered } = messengerPage();
    for (let second = 0; second < 600; second++) {
      page.fetch(HISTORY);
      await pass(SECOND);
    }
    expect(answered).toEqual(Array(600).fill(200));
    // Each is used for 55 s of its minute; the next one is asked for 10 s before that.
    expect(socket.sent).toHaveLength(Math.ceil(600 / 45));
    const gaps = socket.sentAtMs.slice(1).map((atMs, n) => atMs - (socket.sentAtMs[n] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([45 * SECOND]));
  });

  test('the buffer is at most a fifth: a renewal from 44 s on, behind a JWT that is handed out', async () => {
    const { socket, page } = messengerPage();
    page.update({ expiryBufferMs: 11 * SECOND });
    page.fetch(HISTORY);
    await pass(43 * SECOND);
    page.fetch(HISTORY);
    await pass(1 * SECOND);
    expect(socket.sent).toHaveLength(1);
    socket.onRequest = () => undefined;
    const first = page.view.token;
    const call = outcomeOf(page.probe.view.getToken());
    await pass(0);
    expect(call).toEqual({ token: first });
    expect(socket.sent).toHaveLength(2);
  });

  test('a call after an idle time waits for a new JWT', async () => {
    const { socket, page, answered } = messengerPage();
    page.fetch(HISTORY);
    await pass(20 * MINUTE);
    expect(page.view.token).toBeUndefined();
    page.fetch(HISTORY);
    await pass();
    expect(answered).toEqual([200, 200]);
    expect(socket.sent).toHaveLength(2);
  });

  test.each([-48, -2, 2, 48])('the same with a clock that is %s h off', async (hours) => {
    const errorMs = hours * HOUR;
    const { socket, page, answered } = messengerPage((request, self) => {
      const jwt = historyJwt(60, Date.now() - errorMs);
      self.receive(jwtResponse(request, jwt, Math.floor((Date.now() - errorMs) / SECOND) + 60));
    }, errorMs);
    for (let n = 0; n < 40; n++) {
      page.fetch(HISTORY);
      await pass(5 * SECOND);
    }
    expect(answered).toEqual(Array(40).fill(200));
    expect(socket.sent.length).toBeLessThanOrEqual(5);
  });
});

describe('history when something fails', () => {
  test('a JWT that the server refuses is replaced once, and the call goes out again', async () => {
    const { socket, page, server } = messengerPage();
    server.answer = () => new Response(null, { status: server.calls.length === 1 ? 401 : 200 });
    const call = outcomeOf(page.fetch(HISTORY));
    await pass();
    expect(call.status).toBe(200);
    expect(socket.sent).toHaveLength(2);
  });

  test('a server that refuses every JWT gets no stream of them', async () => {
    const { socket, page, server } = messengerPage();
    server.answer = () => new Response(null, { status: 401 });
    for (let n = 0; n < 60; n++) {
      page.fetch(HISTORY);
      await pass(SECOND);
    }
    expect(socket.sent.length).toBeLessThanOrEqual(6);
  });

  test('a 429 on the socket is waited for, and the call is made after it', async () => {
    const { socket, page } = messengerPage(refusing(429, { retryAfter: 7 }));
    const call = outcomeOf(page.fetch(HISTORY));
    await pass();
    expect(page.view.retryAtMs).toBe(Date.now() + 7 * SECOND);
    socket.onRequest = issuing;
    await pass(6 * SECOND);
    expect(call).toEqual({});
    await pass(SECOND);
    expect(call.status).toBe(200);
    expect(socket.sent).toHaveLength(2);
  });

  test('a call whose socket is cut goes on with the next one', async () => {
    const { messenger, socket, page } = messengerPage(() => undefined);
    const call = outcomeOf(page.fetch(HISTORY));
    await pass(SECOND);
    socket.close();
    messenger.socket = undefined;
    await pass(4 * SECOND);
    messenger.socket = new ScriptedSocket(issuing);
    await pass(SECOND);
    expect(call.status).toBe(200);
  });

  test('without a socket the call is unreachable, and works again after a reconnect', async () => {
    const { messenger, page } = messengerPage();
    messenger.socket = undefined;
    const call = outcomeOf(page.fetch(HISTORY));
    await pass(MINUTE);
    expect(call.code).toBe('unreachable');
    expect(page.view.error).toMatchObject({ code: 'unreachable' });
    messenger.socket = new ScriptedSocket(issuing);
    await pass(MINUTE);
    const next = outcomeOf(page.fetch(HISTORY));
    await pass();
    expect(next.status).toBe(200);
  });

  test('a lost sign-in shows on the screen as one', async () => {
    const { page } = messengerPage(refusing(403, 'Try to authenticate again'));
    const call = outcomeOf(page.fetch(HISTORY));
    await pass();
    expect(call.code).toBe('forbidden');
    expect(page.view.error?.reason).toBe('reauthenticate');
  });

  test.each([
    ['JWTs that are over', () => ({ jwt: historyJwt(-1), exp: 1 })],
    ['empty JWTs', () => ({ jwt: '', exp: Date.now() / 1000 + 60 })],
    ['one JWT again and again', once(() => ({ jwt: historyJwt(), exp: Date.now() / 1000 + 60 }))],
  ])('%s cause no loop', async (_, body) => {
    const { socket, page } = messengerPage(({ tracingId }, self) =>
      self.receive({ class: 'JwtResponse', code: 200, body: body(), tracingId }),
    );
    for (let n = 0; n < 300; n++) {
      page.fetch(HISTORY).catch(() => undefined);
      await pass(SECOND);
    }
    // the limit of a session is 10 in a minute
    expect(socket.sent.length).toBeLessThanOrEqual(20);
  });

  test.each<[string, (request: SentRequest) => unknown, string]>([
    ['no JSON', () => '<!doctype html>', 'timed_out'],
    ['another tracingId', () => jwtResponse({ tracingId: 'another' }), 'timed_out'],
    [
      'an unknown class',
      ({ tracingId }) => ({ class: 'SomethingNew', code: 200, tracingId }),
      'malformed_reply',
    ],
    [
      'an exp in ms',
      (request) => jwtResponse(request, historyJwt(), Date.now() + MINUTE),
      'malformed_reply',
    ],
  ])('replies with %s are a typed error and cause no loop', async (_, reply, code) => {
    const { socket, page, answered } = messengerPage((request, self) =>
      self.receive(reply(request)),
    );
    const first = outcomeOf(page.fetch(HISTORY));
    for (let n = 0; n < 300; n++) {
      page.fetch(HISTORY).catch(() => undefined);
      await pass(SECOND);
    }
    expect(first.code).toBe(code);
    expect(answered).toEqual([]);
    // the limit of a session is 10 in a minute
    expect(socket.sent.length).toBeLessThanOrEqual(20);
  });

  test('a silent socket is asked again, but not on and on', async () => {
    const { socket, page } = messengerPage(() => undefined);
    const call = outcomeOf(page.fetch(HISTORY));
    await pass(10 * MINUTE);
    expect(call.code).toBe('timed_out');
    expect(socket.sent.length).toBeLessThanOrEqual(3);
  });

  test('another conversation never gets this one’s JWT', async () => {
    const { messenger, page, server } = messengerPage();
    page.fetch(HISTORY);
    await pass();
    const first = page.view.token;
    const token = crypto.randomUUID();
    page.update({ source: webMessagingTokenSource({ socket: () => messenger.socket, token }) });
    server.answer = ok;
    page.fetch(HISTORY);
    await pass();
    expect(server.calls.at(-1)?.token).not.toBe(first);
    expect(messenger.socket?.sent.at(-1)).toMatchObject({ action: 'getJwt', token });
  });
});

function once<Result>(make: () => Result): () => Result {
  let made: Result | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
