import type { SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';

export interface Frame {
  readonly type: string;
  readonly class: string;
  readonly code: number;
  readonly body: Record<string, unknown>;
  readonly tracingId?: string;
}

/** A client of the socket, without any network: what it sends is answered in the same turn. */
export interface MessagingClient {
  /** Sends a frame; yields what came since the last one, as text. */
  sendText(text: string): string[];
  /** Sends a request; yields all frames that came since the last one. */
  send(action: string, fields?: object): Frame[];
  /** What came since the last one. */
  received(): Frame[];
  close(): void;
  /** `"open"`, `"cut"`, or the code and reason that the sandbox closed it with. */
  readonly state: string;
}

export function dialled(cloud: SandboxCloud, query = `deploymentId=${cloud.deploymentId}`) {
  return cloud.connect(`${cloud.socketUrl}/v1?${query}`);
}

/** @throws when the sandbox refuses the socket */
export function openSocket(cloud: SandboxCloud, token = 'uuid-1'): MessagingClient {
  const handshake = dialled(cloud);
  if (typeof handshake !== 'function') throw new Error('The socket was refused.');
  const inbox: string[] = [];
  let state = 'open';
  const connection = handshake({
    send: (frame) => inbox.push(frame),
    close: (code, reason) => {
      state = `closed ${code} ${reason}`.trim();
    },
    cut: () => {
      state = 'cut';
    },
  });
  const received = (): Frame[] => inbox.splice(0).map((text) => JSON.parse(text));
  return {
    sendText(text) {
      connection.receive(text);
      return inbox.splice(0);
    },
    send(action, fields = {}) {
      const base = { action, token, deploymentId: cloud.deploymentId, tracingId: `of-${action}` };
      connection.receive(JSON.stringify({ ...base, ...fields }));
      return received();
    },
    received,
    close: () => connection.closed(),
    get state() {
      return state;
    },
  };
}

export const said = (text: string): object => ({ message: { type: 'Text', text } });

/** The bodies of the messages among frames. */
export const textsOf = (frames: readonly Frame[]): unknown[] =>
  frames.filter((frame) => frame.class === 'StructuredMessage').map(({ body }) => body.text);
