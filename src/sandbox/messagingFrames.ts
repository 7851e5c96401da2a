/** A frame that Genesys sends on a Web Messaging socket. */
export interface MessagingFrame {
  /** `"response"` to a request of the client; `"message"` for everything else. */
  readonly type: 'response' | 'message';
  readonly class: string;
  readonly code: number;
  readonly body: unknown;
  /** The client's own, where the frame answers one of its requests. */
  readonly tracingId?: string;
}

/** A message of a Web Messaging conversation, on the socket and in its history. */
export interface SandboxStructuredMessage {
  readonly id: string;
  readonly type: 'Text';
  readonly text: string;
  /** `"Inbound"`: from the visitor. */
  readonly direction: 'Inbound' | 'Outbound';
  /** `time`: ISO 8601, on Genesys' clock. */
  readonly channel: { readonly time: string; readonly type: 'Private' };
  readonly originatingEntity: 'Human' | 'Bot';
  readonly metadata?: unknown;
}

export function response(className: string, body: unknown): MessagingFrame {
  return { type: 'response', class: className, code: 200, body };
}

/** What nobody asked for: a message of the agent, an event of the session. */
export function unasked(className: string, body: unknown = {}): MessagingFrame {
  return { type: 'message', class: className, code: 200, body };
}

/** What the codes of a refusal are accompanied by. */
const refusalTexts: Readonly<Record<number, string>> = {
  401: 'User is unauthorized',
  403: 'Session authentication failed. Try to authenticate again.',
  4006: 'session expired',
  4007: 'session not found',
  4017: 'cannot downgrade to unauthenticated',
};

export function refusal(code: number): MessagingFrame {
  return { type: 'response', class: 'string', code, body: refusalTexts[code] ?? 'Request failed.' };
}

/** @param retryAfter seconds; anything else is what a broken server might write there */
export function tooManyFrames(retryAfter: unknown): MessagingFrame {
  return {
    type: 'response',
    class: 'TooManyRequestsErrorMessage',
    code: 429,
    body: {
      retryAfter,
      errorCode: 4029,
      errorMessage: 'Message rate too high for this session',
    },
  };
}
