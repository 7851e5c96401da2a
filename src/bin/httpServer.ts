import { type IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServerRequest, serve } from 'srvx';

export type HttpHandler = (request: ServerRequest) => Response | Promise<Response>;

/** Takes over the connection of a request that asks for another protocol. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface HttpServer {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /**
   * Takes no more connections; resolves when the requests under way are answered. Connections
   * without one are closed at once, a request that is still being sent after a second.
   *
   * @param cut closes those that wait for an answer too
   */
  close(cut?: boolean): Promise<void>;
}

/** How much of a server one client can hold. */
export interface HttpLimits {
  readonly maxConnections: number;
  /** Until all headers are there. */
  readonly headerTimeoutMs: number;
  /** Until the body is there too. */
  readonly requestTimeoutMs: number;
  /** Between two requests of a connection. */
  readonly idleTimeoutMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  maxConnections: 10_000,
  headerTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  // longer than the 60 s of most load balancers, or a request may meet a connection that closes
  idleTimeoutMs: 65_000,
};

/** A connection that no request of was answered: too many of them, too slow, or not HTTP. */
export interface RefusedConnection {
  readonly reason: 'too_many_connections' | 'too_slow' | 'bad_request';
  /** Node's code, where there is one. */
  readonly problem?: string;
}

export interface ListenOptions {
  readonly port: number;
  readonly hostname: string;
  readonly limits?: HttpLimits;
  readonly onRefused?: (refused: RefusedConnection) => void;
  /** Without one, a request for another protocol is answered as any other. */
  readonly onUpgrade?: UpgradeHandler | undefined;
  /** Before `port` and `host` in the names of the flags that choose them. */
  readonly flagPrefix?: string;
}

/** What a request that is still being sent when the server closes gets to be complete. */
const HALF_SENT_MS = 1000;

/**
 * Listens on real HTTP; port 0 takes any free one.
 *
 * @throws Error that names the address, when it can't
 */
export async function listen(options: ListenOptions, handler: HttpHandler): Promise<HttpServer> {
  const { port, hostname, limits = defaultHttpLimits, onRefused = () => undefined } = options;
  const { flagPrefix = '' } = options;
  const underWay = new Set<{ readonly complete: boolean; readonly socket: Socket }>();
  let closing = false;
  const server = serve({
    port,
    hostname,
    silent: true,
    gracefulShutdown: false,
    node: {
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    async fetch(request) {
      const message = request.runtime?.node?.req;
      if (message) underWay.add(message);
      try {
        const response = await handler(request);
        // What is ready in one turn of the event loop leaves together: under load that saves this process
        // and whoever reads the answers being woken up for each, and most of a request is that.
        await new Promise((resolve) => setImmediate(resolve));
        // A client that is refused may go on sending, and one that keeps its connection keeps the server open.
        if (closing || message?.complete === false) response.headers.set('Connection', 'close');
        return response;
      } finally {
        if (message) underWay.delete(message);
      }
    },
  });
  if (options.onUpgrade) server.node?.server?.on('upgrade', options.onUpgrade);
  const sockets = watchConnections(server.node?.server, limits.maxConnections, onRefused);
  try {
    await server.ready();
  } catch (error) {
    const fix = `Choose another --${flagPrefix}port or --${flagPrefix}host.`;
    throw new Error(`Can't listen on ${hostname}:${port}. ${fix}`, { cause: error });
  }

  /** Connections without a request, and after a while those whose request is still not complete. */
  function closeUnused(): void {
    const used = new Set([...underWay].map(({ socket }) => socket));
    for (const socket of sockets) if (!used.has(socket)) socket.destroySoon();
    setTimeout(() => {
      for (const { complete, socket } of underWay) if (!complete) socket.destroy();
    }, HALF_SENT_MS).unref();
  }

  return {
    url: (server.url ?? '').replace(/\/$/, ''),
    close(cut) {
      closing = true;
      const closed = server.close(cut);
      closeUnused();
      return closed;
    },
  };
}

/** How often Node looks for connections that are too slow; its own default is 30 s. */
const CHECK_EVERY_MS = 1000;

/** @returns the open connections */
function watchConnections(
  server: unknown,
  maxConnections: number,
  onRefused: (refused: RefusedConnection) => void,
): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  if (!(server instanceof Server)) return sockets;
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('drop', () => onRefused({ reason: 'too_many_connections' }));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const { code = 'error' } = error;
    // the client is gone, which is no refusal
    if (code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const isSlow = code === 'ERR_HTTP_REQUEST_TIMEOUT';
    onRefused({ reason: isSlow ? 'too_slow' : 'bad_request', problem: code });
    socket.end(
      `HTTP/1.1 ${statusLines[code] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`,
      () => socket.destroy(),
    );
  });
  return sockets;
}

/** As Node itself answers. */
const statusLines: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
};
