import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SandboxConnection, SandboxSocket } from '../sandbox/messagingSocket.ts';
import type { SandboxCloud } from '../sandbox/sandboxCloud.ts';
import type { UpgradeHandler } from './httpServer.ts';

const PREFIX = '/webmessaging';
/** Far above what a messenger sends; the library's own default is 100 MiB. */
const MAX_FRAME_BYTES = 64 * 1024;

/** Opens the sandbox's Web Messaging sockets at `/webmessaging/v1`. */
export function sandboxUpgrades(sandbox: SandboxCloud): UpgradeHandler {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });
  return (request, socket, head) => {
    // Whoever hangs up during the handshake is not a failure of ours.
    socket.on('error', () => socket.destroy());
    const handshake = handshakeOf(sandbox, request);
    if (handshake === 'hang') return;
    if (handshake === 'cut') socket.destroy();
    else if (handshake instanceof Response) void refuse(socket, handshake);
    else server.handleUpgrade(request, socket, head, (webSocket) => attach(webSocket, handshake));
  };
}

function handshakeOf(sandbox: SandboxCloud, { url = '' }: IncomingMessage) {
  if (!url.startsWith(`${PREFIX}/`)) return new Response(null, { status: 404 });
  return sandbox.connect(sandbox.socketUrl + url.slice(PREFIX.length));
}

async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const { status } = response;
  const headers = [...response.headers, ['Connection', 'close'], ['Content-Length', body.length]];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}\r\n`);
  socket.end(body);
}

function attach(webSocket: WebSocket, open: (socket: SandboxSocket) => SandboxConnection): void {
  const connection = open({
    send: (frame) => webSocket.send(frame),
    close: (code, reason) => webSocket.close(code, reason),
    cut: () => webSocket.terminate(),
  });
  webSocket.on('message', (data, isBinary) => {
    connection.receive(isBinary ? undefined : data.toString());
  });
  webSocket.on('close', () => connection.closed());
  // A frame that breaks the protocol closes the socket, which is all that there is to do about it.
  webSocket.on('error', () => undefined);
}
