// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeSession } from '../core/fakeSession.ts';
import { type Conversation, converse } from './client/webSocket.ts';

/** A browser's socket; the test plays the server. */
class FakeWebSocket extends EventTarget {
  readonly url: string;
  readonly sent: unknown[] = [];

  constructor(url: string) {
    super();
    this.url = url;
    sockets.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.dispatchEvent(new Event('close'));
  }

  open(): void {
    this.dispatchEvent(new Event('open'));
  }
}

let sockets: FakeWebSocket[];
let end: AbortController;

beforeEach(() => {
  sockets = [];
  end = new AbortController();
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeWebSocket);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function conversationWith(getToken: Conversation['getToken']): Conversation {
  return {
    url: 'wss://webmessaging.mypurecloud.ie/v1?deploymentId=deployment-1',
    deploymentId: 'deployment-1',
    sessionId: '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11',
    getToken,
    onMessage: vi.fn(),
    signal: end.signal,
  };
}

test('each connection begins with a token that is valid then', async () => {
  const { getToken, renew } = fakeSession();
  const over = converse(conversationWith(getToken));
  await vi.advanceTimersByTimeAsync(0);
  sockets[0]?.open();
  renew();
  sockets[0]?.close();
  await vi.advanceTimersByTimeAsync(1_000);
  sockets[1]?.open();
  end.abort();
  await over;

  const common = {
    action: 'configureAuthenticatedSession',
    deploymentId: 'deployment-1',
    token: '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11',
  };
  expect(sockets.flatMap(({ sent }) => sent)).toEqual([
    { ...common, data: { code: 'token-1' } },
    { ...common, data: { code: 'token-2' } },
  ]);
});

test('messages arrive parsed', async () => {
  const conversation = conversationWith(fakeSession().getToken);
  const over = converse(conversation);
  await vi.advanceTimersByTimeAsync(0);
  sockets[0]?.dispatchEvent(new MessageEvent('message', { data: '{"class":"SessionResponse"}' }));
  end.abort();
  await over;
  expect(conversation.onMessage).toHaveBeenCalledWith({ class: 'SessionResponse' });
});

test('connections that fail are tried again after waits that double, up to half a minute', async () => {
  const startMs = Date.now();
  const askedAtMs: number[] = [];
  const over = converse(
    conversationWith(async () => {
      askedAtMs.push(Date.now() - startMs);
      throw new Error('No token.');
    }),
  );
  await vi.advanceTimersByTimeAsync(92_000);
  end.abort();
  await over;
  expect(askedAtMs).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
});
