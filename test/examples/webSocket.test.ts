// @vitest-environment node
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { fakeSession } from '../core/fakeSession.ts';
import { openSession } from './client/webSocket.ts';

/** A socket server that hands on each first message; its URL. */
async function listen(onMessage: (message: unknown) => void): Promise<string> {
  const server = createServer();
  server.on('upgrade', ({ headers }, socket) => {
    // RFC 6455, 4.2.2
    const accept = createHash('sha1')
      .update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    let received = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part]);
      const text = textOf(received);
      if (text === undefined) return;
      onMessage(JSON.parse(text));
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return `ws://127.0.0.1:${port}/v1`;
}

/** The text of one whole masked frame of 126 bytes to 64 kB (RFC 6455, 5.2). */
function textOf(frame: Buffer): string | undefined {
  if (frame.length < 8) return undefined;
  expect([frame[0], frame[1]]).toEqual([0x81, 0x80 | 126]);
  const length = frame.readUInt16BE(2);
  if (frame.length < 8 + length) return undefined;
  const mask = frame.subarray(4, 8);
  return frame
    .subarray(8, 8 + length)
    .map((byte, n) => byte ^ (mask[n % 4] ?? 0))
    .toString();
}

test('a socket is configured with the token of the moment, and so is the next one', async () => {
  const configured: unknown[] = [];
  const url = await listen((message) => configured.push(message));
  const { getToken, renew } = fakeSession();
  const session = {
    url,
    deploymentId: 'deployment-1',
    sessionId: '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11',
    getToken,
  };

  for (let connection = 0; connection < 2; connection++) {
    const socket = await openSession(session);
    await new Promise((resolve) => socket.addEventListener('close', resolve));
    renew();
  }

  const common = {
    action: 'configureAuthenticatedSession',
    deploymentId: 'deployment-1',
    token: session.sessionId,
  };
  expect(configured).toEqual([
    { ...common, data: { code: 'token-1' } },
    { ...common, data: { code: 'token-2' } },
  ]);
});
