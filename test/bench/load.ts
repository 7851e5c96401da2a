// As many requests as a server can take, from sockets that hardly cost anything: a load generator
// that is slower than the server would make every server look alike.
import { connect, type Socket } from 'node:net';

/** For an answer that is under way when the time is over. */
const PATIENCE_MS = 10_000;

/**
 * Sends for so long, over connections that are new: a server closes those that nobody has used for
 * seconds.
 *
 * @param url of an HTTP server
 * @param expected the status that every answer must have
 *
 * @returns the requests that were answered, in a second
 */
export async function measureRate(
  url: string,
  {
    body,
    cookie,
    connections,
    expected,
    durationMs,
  }: {
    body: string;
    cookie: string;
    connections: number;
    expected: number;
    durationMs: number;
  },
): Promise<number> {
  const { hostname, port, pathname, host } = new URL(url);
  const request = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    `Origin: http://${host}`,
    'Sec-Fetch-Site: same-origin',
    'Content-Type: application/json',
    'Accept: application/json',
    `Cookie: ${cookie}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
  const sockets = await Promise.all(
    Array.from({ length: connections }, () => opened(Number(port), hostname)),
  );

  try {
    const startedAtMs = performance.now();
    const endsAtMs = startedAtMs + durationMs;
    const counts = await Promise.all(
      sockets.map((socket) => askUntil(socket, request, expected, endsAtMs)),
    );
    const seconds = (performance.now() - startedAtMs) / 1000;
    return counts.reduce((sum, count) => sum + count, 0) / seconds;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function opened(port: number, hostname: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: hostname, noDelay: true }, () => resolve(socket));
    socket.setEncoding('latin1').once('error', reject);
  });
}

/** One request after the other on one connection. */
function askUntil(
  socket: Socket,
  request: string,
  expected: number,
  endsAtMs: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let received = '';
    const tooLong = setTimeout(
      () => end(() => reject(new Error('the server does not answer'))),
      endsAtMs - performance.now() + PATIENCE_MS,
    );
    const end = (settle: () => void): void => {
      clearTimeout(tooLong);
      socket.off('data', take);
      settle();
    };
    const take = (part: string): void => {
      received += part;
      if (!isComplete(received)) return;
      if (!received.startsWith(`HTTP/1.1 ${expected} `)) {
        end(() => reject(new Error(`an answer that nobody expected: ${received}`)));
        return;
      }
      received = '';
      count++;
      if (performance.now() < endsAtMs) socket.write(request);
      else end(() => resolve(count));
    };
    socket.on('data', take);
    socket.write(request);
  });
}

/** Whether it is a whole answer; each comes alone, since the next request waits for it. */
function isComplete(received: string): boolean {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
  if (length === undefined) return received.endsWith('\r\n0\r\n\r\n');
  return received.length >= headEnd + 4 + Number(length);
}
