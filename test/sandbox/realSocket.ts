import type { Frame } from './messagingClient.ts';

/** A client on a real `WebSocket`, which waits for what it is answered. */
export interface RealSocket {
  readonly socket: WebSocket;
  /** Sends a request of one session; yields the answer with its `tracingId`. */
  ask(action: string, fields?: object): Promise<Frame>;
  /** The next frame that answers nothing, such as an event. */
  next(): Promise<Frame>;
  /** The code that it was closed with. */
  readonly closed: Promise<number>;
}

/** Resolves when the socket is open; rejects with the code that it is closed with before. */
export async function dial(url: string, session: object): Promise<RealSocket> {
  const socket = new WebSocket(url);
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener('close', ({ code }) => resolve(code));
  });
  const waiting = new Map<unknown, (frame: Frame) => void>();
  const unasked: Frame[] = [];
  let wake: () => void = () => undefined;
  socket.addEventListener('message', ({ data }) => {
    const frame: Frame = JSON.parse(data);
    const answer = waiting.get(frame.tracingId);
    waiting.delete(frame.tracingId);
    if (answer) return answer(frame);
    unasked.push(frame);
    wake();
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    void closed.then(reject);
  });
  return {
    socket,
    ask(action, fields = {}) {
      const tracingId = crypto.randomUUID();
      const answer = new Promise<Frame>((resolve) => waiting.set(tracingId, resolve));
      socket.send(JSON.stringify({ action, tracingId, ...session, ...fields }));
      return answer;
    },
    async next() {
      for (;;) {
        const frame = unasked.shift();
        if (frame) return frame;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    closed,
  };
}
