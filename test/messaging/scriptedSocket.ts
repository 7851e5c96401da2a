import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

export const SESSION_TOKEN = '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11';

export interface SentRequest {
  readonly action?: string;
  readonly token?: string;
  readonly tracingId?: string;
}

type Script = (request: SentRequest, socket: ScriptedSocket) => void;

type Listener = (event: { readonly data: unknown }) => void;

/** A Web Messaging socket that does with each request what the test says; silent by default. */
export class ScriptedSocket {
  readyState: number = WebSocket.OPEN;
  /** What came, in order. */
  readonly sent: SentRequest[] = [];
  /** When each came: epoch ms. */
  readonly sentAtMs: number[] = [];
  onRequest: Script;
  readonly #listeners = new Set<Listener>();

  constructor(onRequest: Script = () => undefined) {
    this.onRequest = onRequest;
  }

  addEventListener(_: 'message', listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: 'message', listener: Listener): void {
    this.#listeners.delete(listener);
  }

  send(data: string): void {
    if (this.readyState !== WebSocket.OPEN) throw new Error('The socket is not open.');
    const request: SentRequest = JSON.parse(data);
    this.sent.push(request);
    this.sentAtMs.push(Date.now());
    this.onRequest(request, this);
  }

  /** Genesys sends something: an object as JSON, anything else as it is. */
  receive(reply: unknown): void {
    const isObject = typeof reply === 'object' && !(reply instanceof ArrayBuffer);
    const data = isObject ? JSON.stringify(reply) : reply;
    for (const listener of [...this.#listeners]) listener({ data });
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }
}

let serial = 0;

/** One more JWT of a conversation. */
export function historyJwt(lifeSeconds = 60, issuedAtMs = Date.now()): string {
  return fakeGuestToken({ iat: Math.floor(issuedAtMs / 1000), lifeSeconds, jti: ++serial });
}

export function jwtResponse(
  { tracingId }: SentRequest,
  jwt: unknown = historyJwt(),
  exp: unknown = Math.floor(Date.now() / 1000) + 60,
): object {
  return { type: 'response', class: 'JwtResponse', code: 200, body: { jwt, exp }, tracingId };
}

/** Answers each `getJwt` with a JWT. */
export const issuing: Script = (request, socket) => socket.receive(jwtResponse(request));

/** Answers each request with a code and a body. */
export function refusing(code: unknown, body: unknown = 'Request failed.'): Script {
  return ({ tracingId }, socket) =>
    socket.receive({ type: 'response', class: 'string', code, body, tracingId });
}
