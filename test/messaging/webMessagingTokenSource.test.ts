import { describe, expect, test, vi } from 'vitest';
import { webMessagingTokenSource } from '../../src/messaging/webMessagingTokenSource.ts';
import { answerOf, ask, pass, sourceOn, withFakeTime } from './asking.ts';
import { issuing, jwtResponse, ScriptedSocket, SESSION_TOKEN } from './scriptedSocket.ts';

withFakeTime();

describe('what the source sends', () => {
  test('one getJwt with the session’s token and a tracingId, and nothing else', async () => {
    const socket = new ScriptedSocket(issuing);
    const { reply } = await answerOf(socket);
    expect(reply).toMatchObject({ id: 'visitor', token: expect.stringMatching(/^ey/) });
    await pass(60_000);
    const tracingId = expect.stringMatching(/\S/);
    expect(socket.sent).toEqual([{ action: 'getJwt', token: SESSION_TOKEN, tracingId }]);
  });

  test('each getJwt has a tracingId of its own', async () => {
    const socket = new ScriptedSocket(issuing);
    await answerOf(socket);
    await answerOf(socket);
    expect(new Set(socket.sent.map(({ tracingId }) => tracingId)).size).toBe(2);
  });

  test('a second getJwt leaves once the first is answered, whoever asks', async () => {
    const socket = new ScriptedSocket();
    const { source } = sourceOn(socket);
    const both = [ask(source), ask(source)];
    await pass(1_000);
    expect(socket.sent).toHaveLength(1);
    socket.receive(jwtResponse(socket.sent[0] ?? {}));
    await pass();
    expect(socket.sent).toHaveLength(2);
    socket.receive(jwtResponse(socket.sent[1] ?? {}));
    await pass();
    expect(both).toMatchObject([{ reply: {} }, { reply: {} }]);
  });

  test('nothing for a caller that has gone, not even once a socket is open', async () => {
    const { source, messenger } = sourceOn(undefined);
    const controller = new AbortController();
    const asked = ask(source, controller.signal);
    await pass(500);
    controller.abort(new Error('gone'));
    messenger.socket = new ScriptedSocket(issuing);
    await pass(10_000);
    expect(asked.error).toEqual(new Error('gone'));
    expect(messenger.socket.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('nothing for a caller that comes with an aborted signal', async () => {
    const socket = new ScriptedSocket(issuing);
    const asked = ask(sourceOn(socket).source, AbortSignal.abort('gone'));
    await pass();
    expect(asked.error).toBe('gone');
    expect(socket.sent).toEqual([]);
  });

  test('a caller that goes does not hold up the next', async () => {
    const socket = new ScriptedSocket();
    const { source } = sourceOn(socket);
    const controller = new AbortController();
    ask(source, controller.signal);
    await pass();
    controller.abort();
    socket.onRequest = issuing;
    const next = ask(source);
    await pass(200);
    expect(next.reply).toBeDefined();
  });
});

describe('other traffic', () => {
  test('is ignored and never answered', async () => {
    const socket = new ScriptedSocket();
    const asked = ask(sourceOn(socket).source);
    await pass();
    for (const other of [
      'not JSON',
      'null',
      '[]',
      '"text"',
      { type: 'message', class: 'StructuredMessage', code: 200, body: { text: 'Hi' } },
      { type: 'response', class: 'SessionResponse', code: 200, body: { connected: true } },
      { type: 'response', class: 'string', code: 4011, body: 'message too long' },
      jwtResponse({ tracingId: 'another' }),
      { type: 'response', class: 'string', code: 400, body: 'no', tracingId: 'another' },
    ]) {
      socket.receive(other);
    }
    socket.receive(new ArrayBuffer(8));
    await pass(1_000);
    expect(asked).toEqual({});
    socket.receive(jwtResponse(socket.sent[0] ?? {}));
    await pass();
    expect(asked.reply).toBeDefined();
    expect(socket.sent).toHaveLength(1);
  });

  test('a JwtResponse that names no request is taken', async () => {
    const socket = new ScriptedSocket((_, self) => self.receive(jwtResponse({})));
    expect(await answerOf(socket)).toHaveProperty('reply');
  });

  test('no listener and no timer stays behind', async () => {
    const socket = new ScriptedSocket(issuing);
    const add = vi.spyOn(socket, 'addEventListener');
    const remove = vi.spyOn(socket, 'removeEventListener');
    await answerOf(socket);
    expect(add).toHaveBeenCalled();
    expect(remove.mock.calls).toEqual(add.mock.calls);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a socket that goes', () => {
  test('a getJwt whose socket closes is sent again on the next open one', async () => {
    const first = new ScriptedSocket();
    const { source, messenger } = sourceOn(first);
    const asked = ask(source);
    await pass(500);
    first.close();
    messenger.socket = undefined;
    await pass(2_000);
    messenger.socket = new ScriptedSocket(issuing);
    await pass(200);
    expect(asked.reply).toBeDefined();
    expect([first.sent.length, messenger.socket.sent.length]).toEqual([1, 1]);
  });

  test('a socket that was replaced counts as closed, though it does not say so', async () => {
    const { source, messenger } = sourceOn(new ScriptedSocket());
    const asked = ask(source);
    await pass();
    messenger.socket = new ScriptedSocket(issuing);
    await pass(200);
    expect(asked.reply).toBeDefined();
  });

  test('a socket that is still connecting is waited for', async () => {
    const socket = new ScriptedSocket(issuing);
    socket.readyState = WebSocket.CONNECTING;
    const asked = ask(sourceOn(socket).source);
    await pass(3_000);
    expect(asked).toEqual({});
    socket.readyState = WebSocket.OPEN;
    await pass(200);
    expect(asked.reply).toBeDefined();
  });

  test('a late answer on the old socket does not count', async () => {
    const first = new ScriptedSocket();
    const { source, messenger } = sourceOn(first);
    const asked = ask(source);
    await pass();
    messenger.socket = new ScriptedSocket();
    await pass(200);
    first.receive(jwtResponse(first.sent[0] ?? {}));
    await pass(200);
    expect(asked).toEqual({});
  });

  test.each([
    ['there is none', undefined],
    ['it has closed', WebSocket.CLOSED],
  ])('without an open socket within the time-out it is unreachable: %s', async (_, readyState) => {
    const socket = new ScriptedSocket(issuing);
    socket.readyState = readyState ?? WebSocket.CLOSED;
    const asked = ask(sourceOn(readyState === undefined ? undefined : socket).source);
    await pass(7_900);
    expect(asked).toEqual({});
    await pass(100);
    expect(asked.error).toMatchObject({ code: 'unreachable', retryable: true });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an open socket that does not answer within the time-out has timed out', async () => {
    const asked = ask(sourceOn(new ScriptedSocket(), 2_000).source);
    await pass(2_000);
    expect(asked.error).toMatchObject({ code: 'timed_out', retryable: true });
  });

  test('an error of the socket, or of the function that looks it up, reaches the caller', async () => {
    const broken = new ScriptedSocket(() => {
      throw new Error('send failed');
    });
    expect(await answerOf(broken)).toEqual({ error: new Error('send failed') });
    let calls = 0;
    const source = webMessagingTokenSource({
      token: SESSION_TOKEN,
      socket: () => {
        if (calls++ > 0) throw new Error('no messenger');
        return undefined;
      },
    });
    const asked = ask(source);
    await pass(200);
    expect(asked.error).toEqual(new Error('no messenger'));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the options', () => {
  test('a source that nobody asks sends nothing', async () => {
    const socket = new ScriptedSocket(issuing);
    sourceOn(socket);
    await pass(60_000);
    expect(socket.sent).toEqual([]);
  });

  test('a socket in the place of a function is a misconfiguration, and so is no token', () => {
    const socket = new ScriptedSocket();
    const token = SESSION_TOKEN;
    // @ts-expect-error a function is asked for
    expect(() => webMessagingTokenSource({ socket, token })).toThrow(/"socket" must be a function/);
    const options = { socket: () => socket, token: '' };
    expect(() => webMessagingTokenSource(options)).toThrow(/"token" must be a UUID/);
  });

  test('the key tells sessions apart and does not give their token away', () => {
    const key = (token: string) => webMessagingTokenSource({ socket: () => null, token }).key;
    expect(key(SESSION_TOKEN)).toBe(key(SESSION_TOKEN));
    expect(key(SESSION_TOKEN)).not.toBe(key('6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c12'));
    expect(key(SESSION_TOKEN)).not.toContain(SESSION_TOKEN.slice(0, 18));
  });
});
