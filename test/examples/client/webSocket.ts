// webSocket.ts
export interface Conversation {
  /** For example `wss://webmessaging.mypurecloud.ie/v1?deploymentId=…`. */
  readonly url: string;
  readonly deploymentId: string;
  /** A UUID that the widget makes once per conversation. */
  readonly sessionId: string;
  /** `getToken` of `useGuestToken()`. */
  readonly getToken: (options: { signal: AbortSignal }) => Promise<string>;
  readonly onMessage: (message: unknown) => void;
  /** Ends the conversation. */
  readonly signal: AbortSignal;
}

/** Keeps a socket open until `signal` aborts. Each connection starts with a valid token. */
export async function converse(conversation: Conversation): Promise<void> {
  const { getToken, signal } = conversation;
  for (let failures = 0; !signal.aborted; failures++) {
    const token = await getToken({ signal }).catch(() => undefined);
    if (token !== undefined && (await connect(conversation, token))) failures = 0;
    // 1 s after a working connection, then 2 s, 4 s, … up to 30 s
    await pause(Math.min(1_000 * 2 ** failures, 30_000), signal);
  }
}

/** Resolves when the connection ends: true if it was open. */
function connect(conversation: Conversation, token: string): Promise<boolean> {
  const { url, deploymentId, sessionId, onMessage, signal } = conversation;
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const close = (): void => socket.close();
    let wasOpen = false;
    signal.addEventListener('abort', close);
    socket.addEventListener('open', () => {
      wasOpen = true;
      const action = 'configureAuthenticatedSession';
      const data = { code: token };
      socket.send(JSON.stringify({ action, deploymentId, token: sessionId, data }));
    });
    socket.addEventListener('message', ({ data }) => onMessage(JSON.parse(data)));
    socket.addEventListener('close', () => {
      signal.removeEventListener('abort', close);
      resolve(wasOpen);
    });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
