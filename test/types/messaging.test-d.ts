// Which sockets the source of history JWTs takes.
import { expectTypeOf, test } from 'vitest';
import type { GuestTokenProviderProps } from '../../src/index.ts';
import { webMessagingTokenSource } from '../../src/messaging/index.ts';

declare const socket: WebSocket;
const token = '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11';

test('a browser’s WebSocket will do, or none', () => {
  const source = webMessagingTokenSource({
    socket: (): WebSocket | null | undefined => socket,
    token,
  });
  expectTypeOf(source).toExtend<GuestTokenProviderProps['source']>();
});

test('the socket is looked up, not given', () => {
  // @ts-expect-error a messenger replaces its socket
  webMessagingTokenSource({ socket, token });
});

test('a session’s token is required', () => {
  // @ts-expect-error it names the conversation
  webMessagingTokenSource({ socket: () => socket });
});
