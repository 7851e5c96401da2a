import { refusalBy } from './failure.ts';
import type { SandboxFaultSwitches } from './faults.ts';
import type { ActionWorld } from './messagingActions.ts';
import { unasked } from './messagingFrames.ts';
import { MessagingSocket, type SandboxConnection, type SandboxSocket } from './messagingSocket.ts';
import { createRateLimit } from './rateLimit.ts';
import { badRequest, genesysError } from './replies.ts';
import type { RequestLog } from './requestLog.ts';
import type { SandboxSettings } from './settings.ts';

/**
 * How the opening handshake of a socket ends: with a function that takes the open socket, with the
 * HTTP response that refuses it, with a connection that breaks, or never.
 */
export type SandboxHandshake =
  | ((socket: SandboxSocket) => SandboxConnection)
  | Response
  | 'cut'
  | 'hang';

/** What happens on Web Messaging sockets without a client asking for it. */
export interface SandboxMessagingControls {
  /** How many sockets are open. */
  readonly sockets: number;
  /** Lets the agent write: in the session that goes by this UUID, or in all. */
  say(text: string, token?: string): void;
  /** Ends a session, or all, with a `SessionExpiredEvent`; what follows is refused with 4006. */
  expire(token?: string): void;
  /** Ends the sessions of a visitor who has signed in, or of all of them, with a `LogoutEvent`. */
  signOut(externalId?: string): void;
  /** Closes all sockets in good order, after a `ConnectionClosedEvent`. */
  close(reason?: string): void;
  /** Breaks all sockets, as a lost network does. */
  cut(): void;
}

export interface SocketHost {
  /** @param url what the client dials, with its query */
  connect(url: string | URL): SandboxHandshake;
  readonly controls: SandboxMessagingControls;
  /** Closes what is open, and forgets how often was dialled. */
  clear(): void;
}

export interface SocketHostOptions {
  readonly socketUrl: string;
  readonly world: ActionWorld;
  readonly faults: SandboxFaultSwitches;
  readonly log: RequestLog;
  readonly settings: () => SandboxSettings;
}

const PATH = '/v1';
/** Genesys: 1,000 a minute and deployment. */
const connectionLimit = () => createRateLimit(1000, 60_000);

/** Genesys' Web Messaging host: what it answers to a client that opens a socket. */
export function createSocketHost(options: SocketHostOptions): SocketHost {
  const { socketUrl, world, faults, log, settings } = options;
  const { sessions, now } = world;
  const sockets = new Set<MessagingSocket>();
  let limit = connectionLimit();

  const common = () => ({ path: PATH, atMs: now(), headers: new Headers() });

  function open(socket: SandboxSocket): SandboxConnection {
    const connection = new MessagingSocket(
      {
        ...world,
        settings,
        takeFault: faults.take,
        record: (operation, body) => log.add({ ...common(), operation, method: 'SOCKET', body }),
        onClose: (closed) => sockets.delete(closed),
      },
      socket,
    );
    sockets.add(connection);
    return connection;
  }

  function refusalOf({ searchParams }: URL): Response | undefined {
    if (searchParams.get('deploymentId') !== world.deploymentId) {
      return badRequest('"deploymentId" in the query names no deployment.');
    }
    const waitMs = settings().messagingLimits ? limit(now()) : 0;
    return waitMs > 0
      ? genesysError(429, 'too.many.requests', 'Rate limit exceeded the maximum.')
      : undefined;
  }

  return {
    connect(dialled) {
      const url = new URL(dialled);
      if (url.href.replace(/\?.*$/s, '') !== socketUrl + PATH) {
        return genesysError(404, 'not.found', 'The requested resource was not found.');
      }
      const body = Object.fromEntries(url.searchParams);
      const recordStatus = log.add({ ...common(), operation: 'connect', method: 'GET', body });
      const fault = faults.take('connect');
      if (fault?.kind === 'hang' || fault?.kind === 'cut') return fault.kind;
      const refused =
        refusalBy({ fault, nowMs: now(), settings: settings() }, 'api') ?? refusalOf(url);
      recordStatus(refused?.status ?? 101);
      return refused ?? open;
    },
    controls: {
      get sockets() {
        return sockets.size;
      },
      say: (text, token) => sessions.say(text, token),
      expire: (token) => sessions.expire(token),
      signOut: (externalId) => sessions.signOut(externalId),
      close(reason) {
        for (const socket of sockets) {
          socket.send(unasked('ConnectionClosedEvent', { reason }));
          socket.close();
        }
      },
      cut() {
        for (const socket of sockets) socket.cut();
      },
    },
    clear() {
      for (const socket of sockets) socket.close();
      sessions.clear();
      limit = connectionLimit();
    },
  };
}
