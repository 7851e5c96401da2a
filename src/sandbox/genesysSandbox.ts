import { HttpResponse, http, type RequestHandler, type WebSocketHandler, ws } from 'msw';
import { ConnectionCut } from './faults.ts';
import { createSandboxCloud, type SandboxCloud, type SandboxCloudOptions } from './sandboxCloud.ts';

export interface GenesysSandbox extends SandboxCloud {
  /** For `setupWorker` and `setupServer`: they answer everything on the sandbox's three hosts. */
  readonly handlers: readonly (RequestHandler | WebSocketHandler)[];
}

/**
 * Genesys Cloud to test against: its login host, its visitor call, a web chat that demands a guest
 * token, Web Messaging with its socket, and faults to switch on.
 *
 * @example
 * const sandbox = genesysSandbox();
 * setupServer(...sandbox.handlers).listen();
 * sandbox.fault('visitor', { kind: 'rate-limited', seconds: 5 }, { times: 1 });
 */
export function genesysSandbox(options: SandboxCloudOptions = {}): GenesysSandbox {
  const cloud = createSandboxCloud(options);

  async function resolve({ request }: { request: Request }): Promise<Response> {
    try {
      return await cloud.fetch(request);
    } catch (error) {
      // MSW's word for a connection that broke; an abort has been reported to the caller already
      if (error instanceof ConnectionCut || request.signal.aborted) return HttpResponse.error();
      throw error;
    }
  }

  const hosts = [cloud.loginUrl, cloud.apiUrl].map((url) => http.all(`${url}/*`, resolve));
  return Object.assign(cloud, { handlers: [...hosts, socketHandler(cloud)] });
}

/** WebSocket's own code for a connection that was not closed in good order. */
const ABNORMAL = 1006;

function socketHandler(cloud: SandboxCloud): WebSocketHandler {
  return ws.link(`${cloud.socketUrl}/*`).addEventListener('connection', ({ client }) => {
    const handshake = cloud.connect(client.url);
    // MSW opens every socket that is not closed at once, so this one is open and silent.
    if (handshake === 'hang') return;
    if (typeof handshake !== 'function') {
      client.close(ABNORMAL);
      return;
    }
    const connection = handshake({
      send: (frame) => client.send(frame),
      // MSW sends frames in a microtask, and drops those of a socket that is closed by then.
      close: (code, reason) => queueMicrotask(() => client.close(code, reason)),
      cut: () => client.close(ABNORMAL),
    });
    client.addEventListener('message', ({ data }) => connection.receive(data));
    client.addEventListener('close', () => connection.closed());
  });
}
