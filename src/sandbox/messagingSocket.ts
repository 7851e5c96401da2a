import { asRecord, isText } from '../core/json.ts';
import { withFault } from './failure.ts';
import { type SandboxFault, type SocketAction, socketActions } from './faults.ts';
import { type ActionWorld, actions, type Outcome } from './messagingActions.ts';
import { type MessagingFrame, refusal, tooManyFrames } from './messagingFrames.ts';
import type { MessagingSession, SessionSocket } from './messagingSessions.ts';
import { createRateLimit } from './rateLimit.ts';
import { randomId } from './replies.ts';
import type { SandboxSettings } from './settings.ts';
import { tokenFormOf } from './tokens.ts';

/** A socket, as whatever transports its frames offers it to the sandbox. */
export interface SandboxSocket {
  send(frame: string): void;
  close(code: number, reason: string): void;
  /** Breaks the connection, without a closing handshake. */
  cut(): void;
}

/** The sandbox's end of an open socket. */
export interface SandboxConnection {
  /** Takes one frame of the client. What is not text is refused. */
  receive(frame: unknown): void;
  /** To be called when the socket is closed, whoever closed it. */
  closed(): void;
}

/** What a socket needs of the sandbox around it. */
export interface SocketWorld extends ActionWorld {
  readonly settings: () => SandboxSettings;
  readonly takeFault: (action: SocketAction) => SandboxFault | undefined;
  /** @returns takes the code of the answer */
  readonly record: (action: SocketAction, body: unknown) => (code: number) => void;
  readonly onClose: (socket: MessagingSocket) => void;
}

/** Web Messaging on one open socket. It takes frames and sends frames, and does not know what transports them. */
export class MessagingSocket implements SandboxConnection, SessionSocket {
  readonly #world: SocketWorld;
  readonly #socket: SandboxSocket;
  #session: MessagingSession | undefined;
  #isOpen = true;
  // Genesys' limits of one connection.
  readonly #requestLimit = createRateLimit(60, 60_000);
  readonly #actionLimits = {
    echo: createRateLimit(2, 60_000),
    onMessage: createRateLimit(5, 1000),
  };

  constructor(world: SocketWorld, socket: SandboxSocket) {
    this.#world = world;
    this.#socket = socket;
  }

  receive(text: unknown): void {
    if (!this.#isOpen) return;
    const frame = parse(text);
    const action = socketActions.find((known) => known === frame.action);
    if (action === undefined) {
      this.#reply({ answer: refusal(400) }, frame);
      return;
    }
    const recordCode = this.#world.record(action, frame);
    const fault = this.#world.takeFault(action);
    const answer = (): void => {
      // The client may have gone while a slow answer was on its way.
      if (!this.#isOpen) return;
      const outcome = refusedBy(fault) ?? this.#limited(action) ?? this.#act(action, frame, fault);
      recordCode(outcome.answer.code);
      this.#reply(outcome, frame, fault);
    };
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'cut') this.cut();
    else if (fault?.kind === 'slow') setTimeout(answer, fault.delayMs ?? 1500);
    else answer();
  }

  send(frame: MessagingFrame): void {
    this.#sendText(JSON.stringify(frame));
  }

  close(code = 1000, reason = ''): void {
    if (this.#isOpen) this.#socket.close(code, reason);
    this.closed();
  }

  cut(): void {
    if (this.#isOpen) this.#socket.cut();
    this.closed();
  }

  closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#leave();
    this.#world.onClose(this);
  }

  #sendText(text: string): void {
    if (this.#isOpen) this.#socket.send(text);
  }

  #leave(): void {
    if (this.#session) this.#world.sessions.detach(this.#session, this);
    this.#session = undefined;
  }

  #act(action: SocketAction, frame: Record<string, unknown>, fault?: SandboxFault): Outcome {
    const { token } = frame;
    if (!isText(token)) return { answer: refusal(400) };
    return actions[action](this.#world, {
      frame,
      token,
      session: this.#session,
      settings: withFault(this.#world.settings(), fault),
      tokenForm: tokenFormOf(fault),
    });
  }

  #limited(action: SocketAction): Outcome | undefined {
    if (!this.#world.settings().messagingLimits) return undefined;
    const nowMs = this.#world.now();
    const ofAction =
      action === 'echo' || action === 'onMessage' ? this.#actionLimits[action](nowMs) : 0;
    const waitMs = Math.max(this.#requestLimit(nowMs), ofAction);
    return waitMs > 0 ? { answer: tooManyFrames(Math.ceil(waitMs / 1000)) } : undefined;
  }

  #reply(outcome: Outcome, frame: Record<string, unknown>, fault?: SandboxFault): void {
    const { answer, joins, isForAll, afterwards } = outcome;
    const traced = isText(frame.tracingId) ? { ...answer, tracingId: frame.tracingId } : answer;
    this.#sendText(asSent(traced, fault));
    if (joins && joins !== this.#session) {
      this.#leave();
      this.#session = joins;
      this.#world.sessions.attach(joins, this);
    }
    if (isForAll) {
      for (const socket of this.#session?.sockets ?? []) if (socket !== this) socket.send(traced);
    }
    afterwards?.();
  }
}

/** The object in a frame; nothing where there is none. */
function parse(text: unknown): Record<string, unknown> {
  if (typeof text !== 'string') return {};
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return {};
  }
}

/** What a fault answers in place of the action; undefined: the action answers. */
function refusedBy(fault: SandboxFault | undefined): Outcome | undefined {
  switch (fault?.kind) {
    case 'rate-limited': {
      const { seconds = 2, retryAfter } = fault;
      const said = { junk: 'soon, honestly', none: undefined };
      const isBroken = retryAfter === 'junk' || retryAfter === 'none';
      return { answer: tooManyFrames(isBroken ? said[retryAfter] : seconds) };
    }
    case 'unauthorized':
      return { answer: refusal(401) };
    case 'forbidden':
      return { answer: refusal(403) };
    case 'unavailable':
      return { answer: refusal(fault.status ?? 503) };
    default:
      return undefined;
  }
}

/** An answer as a fault deforms it. */
function asSent(answer: MessagingFrame, fault: SandboxFault | undefined): string {
  switch (fault?.kind) {
    case 'html':
      return '<!doctype html><title>Welcome</title><h1>Please accept our terms</h1>';
    case 'unknown-class':
      return JSON.stringify({ ...answer, class: 'SomethingNewResponse' });
    case 'foreign-tracing-id':
      return JSON.stringify({ ...answer, tracingId: randomId() });
    default:
      return JSON.stringify(answer);
  }
}
