import { type ServerRequest, serve } from 'srvx';

export type HttpHandler = (request: ServerRequest) => Response | Promise<Response>;

export interface HttpServer {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** Takes no more requests; resolves when those under way are answered, or `cut` off. */
  close(cut?: boolean): Promise<void>;
}

/**
 * Listens on real HTTP; port 0 takes any free one.
 *
 * @throws Error that names the flags, when it can't
 */
export async function listen(
  { port, hostname }: { port: number; hostname: string },
  handler: HttpHandler,
): Promise<HttpServer> {
  let closing = false;
  const server = serve({
    port,
    hostname,
    silent: true,
    gracefulShutdown: false,
    async fetch(request) {
      const response = await handler(request);
      // What is ready in one turn of the event loop leaves together: under load that saves this process
      // and whoever reads the answers being woken up for each, and most of a request is that.
      await new Promise((resolve) => setImmediate(resolve));
      // or else the client keeps the connection, and the server waits for it to be given up
      if (closing) response.headers.set('Connection', 'close');
      return response;
    },
  });
  try {
    await server.ready();
  } catch (error) {
    throw new Error(`Can't listen on ${hostname}:${port}. Choose another --port or --host.`, {
      cause: error,
    });
  }
  return {
    url: (server.url ?? '').replace(/\/$/, ''),
    close(cut) {
      closing = true;
      return server.close(cut);
    },
  };
}
