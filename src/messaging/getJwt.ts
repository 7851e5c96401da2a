import { GuestTokenError } from '../core/errors.ts';
import { asRecord } from '../core/json.ts';

type OnMessage = (event: { readonly data: unknown }) => void;

/** The part of a `WebSocket` that is used. */
export interface WebMessagingSocket {
  readonly readyState: number;
  send(data: string): void;
  addEventListener(type: 'message', listener: OnMessage): void;
  removeEventListener(type: 'message', listener: OnMessage): void;
}

export interface WebMessagingTokenSourceOptions {
  /**
   * The messenger's socket once its session is configured; nothing before, and while it reconnects.
   * Looked up again and again while a JWT is wanted, since a messenger replaces its socket.
   */
  socket: () => WebMessagingSocket | null | undefined;
  /** The UUID of the messaging session, which your own requests on the socket send as `token`. */
  token: string;
  /** Ms that a JWT may take, a reconnect included. Default 8,000; every source has 10,000 at most. */
  timeoutMs?: number | undefined;
}

/** What Genesys answered, not yet checked. */
export type SocketReply = Readonly<Record<string, unknown>>;

/** Less than every source has, so that the error can say what was missing. */
const DEFAULT_TIMEOUT_MS = 8_000;

/** Nothing tells when a messenger has a new socket. */
const POLL_MS = 100;

/** `WebSocket.OPEN`; not every platform has a global `WebSocket`. */
const OPEN = 1;

/** Errors that say nothing of what they are about, as in Genesys' samples, and may be about `getJwt`. */
const untracedCode = /^4(\d\d|00[67])$/;

/**
 * Asks for a JWT on the messenger's socket; once more on the next one, where that is closed or
 * replaced before it has answered.
 *
 * @throws GuestTokenError `unreachable`, `timed_out`; the signal's reason
 */
export function getJwt(
  { socket, token, timeoutMs = DEFAULT_TIMEOUT_MS }: WebMessagingTokenSourceOptions,
  signal: AbortSignal,
): Promise<SocketReply> {
  const startMs = Date.now();
  let asked: WebMessagingSocket | undefined;
  let tracingId: string | undefined;
  let onMessage: OnMessage;
  let poll: ReturnType<typeof setInterval>;

  function ask(next?: WebMessagingSocket): void {
    asked?.removeEventListener('message', onMessage);
    asked = next;
    tracingId = `getJwt-${Math.random()}`;
    asked?.addEventListener('message', onMessage);
    asked?.send(JSON.stringify({ action: 'getJwt', token, tracingId }));
  }

  return new Promise<SocketReply>((resolve, reject) => {
    onMessage = ({ data }) => {
      try {
        const reply = asRecord(JSON.parse(String(data)));
        const { tracingId: echo, class: kind, code } = reply;
        const isUntraced = !echo && (kind === 'JwtResponse' || untracedCode.test(String(code)));
        if (isUntraced || echo === tracingId) resolve(reply);
      } catch {} // not JSON, so not for us
    };
    const look = (): void => {
      try {
        signal.throwIfAborted();
        const current = socket();
        const open = current?.readyState === OPEN ? current : undefined;
        if (open !== asked) ask(open);
        if (Date.now() - startMs >= timeoutMs) {
          const code = asked ? 'timed_out' : 'unreachable';
          throw new GuestTokenError(code, 'getJwt was not answered.');
        }
      } catch (error) {
        reject(error);
      }
    };
    poll = setInterval(look, POLL_MS);
    look();
  }).finally(() => {
    clearInterval(poll);
    ask();
  });
}
