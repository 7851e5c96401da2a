import { isGuestTokenError } from 'react-guest-token';

/** `connecting` includes reconnects. The last four are final until you call `connect()` again. */
export type MessengerState =
  | 'connecting'
  | 'open'
  | 'signed-out'
  | 'sign-in-needed'
  | 'expired'
  | 'failed';

export interface MessengerMessage {
  readonly id: string;
  readonly text: string;
  /** `"Inbound"`: from the visitor. */
  readonly direction: 'Inbound' | 'Outbound';
}

export interface MessengerOptions {
  /** `wss://webmessaging.{environment}/v1` */
  url: string;
  deploymentId: string;
  /** A UUID for the whole conversation. Keep it across reconnects and page loads. */
  sessionId: string;
  /** The result of `useGuestToken()`. Without it the session is anonymous. */
  visitor?: { getToken(): Promise<string>; refresh(): Promise<string> };
  onState(state: MessengerState): void;
  onMessage(message: MessengerMessage): void;
  /** A message was refused, e.g. with 429. `send()` returned its tracingId. */
  onRefused?(tracingId: string): void;
}

/** What Genesys sends. `"response"` answers a request; `"message"` is everything else. */
interface Frame {
  readonly type?: string;
  readonly class?: string;
  readonly code?: number;
  readonly body?: { readonly text?: unknown; readonly retryAfter?: unknown };
  readonly tracingId?: string;
}

/** If the session is still refused after this many new tokens, the token isn't the problem. */
const MAX_REFRESHES = 3;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;
const MAX_RETRY_AFTER_MS = 300_000;
/** How long the handshake may take, and the answer to `configure…Session`. */
const ANSWER_TIMEOUT_MS = 10_000;

/** A Web Messaging session that survives network failures, and refused and expired tokens. */
export class Messenger {
  readonly #options: MessengerOptions;
  #state: MessengerState | undefined;
  #socket: WebSocket | undefined;
  #isConfigured = false;
  #configuring = '';
  #refreshes = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MessengerOptions) {
    this.#options = options;
  }

  /** The socket, once its session is configured. Pass it to `webMessagingTokenSource`. */
  get socket(): WebSocket | undefined {
    return this.#isConfigured ? this.#socket : undefined;
  }

  connect(): void {
    this.close();
    this.#setState('connecting');
    const { url, deploymentId } = this.#options;
    const socket = new WebSocket(`${url}?deploymentId=${deploymentId}&application=example`);
    this.#socket = socket;
    this.#expectAnswer();
    // A socket that has been replaced may still fire events.
    const ifCurrent = (work: () => void) => () => {
      if (socket === this.#socket) work();
    };
    socket.addEventListener(
      'open',
      ifCurrent(() => void this.#configure(false)),
    );
    socket.addEventListener(
      'close',
      ifCurrent(() => this.#reconnect()),
    );
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket) this.#receive(parse(data));
    });
  }

  /** @returns the tracingId of the message */
  send(text: string): string {
    return this.#send('onMessage', { message: { type: 'Text', text } });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#isConfigured = false;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  async #configure(refresh: boolean): Promise<void> {
    const { visitor, deploymentId } = this.#options;
    const socket = this.#socket;
    // A token takes as long as its provider lets it.
    clearTimeout(this.#timer);
    try {
      // The token is only needed here: an open conversation outlives it.
      const code = await (refresh ? visitor?.refresh() : visitor?.getToken());
      if (socket !== this.#socket) return;
      const session = { deploymentId, startNew: false };
      this.#configuring =
        code === undefined
          ? this.#send('configureSession', session)
          : this.#send('configureAuthenticatedSession', { ...session, data: { code } });
      this.#expectAnswer();
    } catch (error) {
      if (socket !== this.#socket) return;
      const { code, reason } = isGuestTokenError(error) ? error : {};
      if (reason === 'reauthenticate') this.#end('sign-in-needed');
      else if (code === 'aborted') this.#end('signed-out');
      else this.#reconnect();
    }
  }

  #receive({ type, class: kind, code, body, tracingId = this.#configuring }: Frame): void {
    if (kind === 'SessionExpiredEvent' || code === 4006 || code === 4007) this.#end('expired');
    else if (kind === 'LogoutEvent') this.#end('signed-out');
    // Genesys closes the oldest of four sockets of a session: reconnecting would close the next one.
    else if (kind === 'ConnectionClosedEvent') this.#end('failed');
    else if (type === 'message') {
      // Typing indicators and the like are StructuredMessages without text.
      const isText = kind === 'StructuredMessage' && typeof body?.text === 'string';
      if (isText) this.#options.onMessage(body as MessengerMessage);
    } else if (type === 'response' && this.#isConfigured) {
      if (code !== 200) this.#options.onRefused?.(tracingId);
    } else if (type === 'response' && tracingId === this.#configuring) {
      this.#configured(code, Number(body?.retryAfter));
    }
  }

  /** Handles the reply to `configure…Session`. */
  #configured(code: number | undefined, retryAfterSeconds: number): void {
    if (code === 200) {
      clearTimeout(this.#timer);
      this.#isConfigured = true;
      this.#refreshes = 0;
      this.#failures = 0;
      this.#setState('open');
    } else if (code === 401 && this.#options.visitor && this.#refreshes < MAX_REFRESHES) {
      this.#refreshes += 1;
      void this.#configure(true);
    } else if (code === 403) this.#end('sign-in-needed');
    else if (code === 400 || code === 401 || code === 4017) this.#end('failed');
    else this.#reconnect(Math.min(retryAfterSeconds * 1_000 || 0, MAX_RETRY_AFTER_MS));
  }

  /** Reconnects to the same session, with growing waits. */
  #reconnect(minDelayMs = 0): void {
    this.close();
    this.#setState('connecting');
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, MAX_BACKOFF_MS);
    this.#failures += 1;
    // Jitter, so that clients that lost their sockets together don't all return together.
    const delayMs = Math.max(backoffMs, minDelayMs) * (1 + Math.random() / 4);
    this.#timer = setTimeout(() => this.connect(), delayMs);
  }

  /** Reconnects unless the server answers in time. */
  #expectAnswer(): void {
    this.#timer = setTimeout(() => this.#reconnect(), ANSWER_TIMEOUT_MS);
  }

  #end(state: MessengerState): void {
    this.close();
    this.#refreshes = 0;
    this.#setState(state);
  }

  #setState(state: MessengerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }

  #send(action: string, fields: object): string {
    const tracingId = crypto.randomUUID();
    const token = this.#options.sessionId;
    this.#socket?.send(JSON.stringify({ action, token, tracingId, ...fields }));
    return tracingId;
  }
}

/** The object in a frame; an empty one if there is none, as when a proxy answers with HTML. */
function parse(data: unknown): Frame {
  try {
    return Object(JSON.parse(String(data)));
  } catch {
    return {};
  }
}
