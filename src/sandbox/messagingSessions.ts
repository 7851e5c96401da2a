import { type MessagingFrame, type SandboxStructuredMessage, unasked } from './messagingFrames.ts';
import { createRateLimit, type RateLimit } from './rateLimit.ts';
import { randomId } from './replies.ts';
import { AGENT_SCRIPT } from './script.ts';
import type { SandboxSettings } from './settings.ts';

/** A socket as its session sees it. */
export interface SessionSocket {
  send(frame: MessagingFrame): void;
  /** Closes it in good order. */
  close(): void;
}

/** One Web Messaging session: a client's UUID, and the conversation that goes by it. */
export interface MessagingSession {
  /** The client's UUID. */
  readonly token: string;
  /** Who is signed in; undefined: nobody. */
  externalId: string | undefined;
  /** Oldest first. */
  readonly messages: SandboxStructuredMessage[];
  /** Epoch ms on the sandbox's own clock. */
  readonly expiresAtMs: number;
  /** Expired or signed out. */
  isOver: boolean;
  /** Oldest first. */
  readonly sockets: Set<SessionSocket>;
  /** How often its history is read. */
  readonly historyLimit: RateLimit;
  expiryTimer: ReturnType<typeof setTimeout> | undefined;
}

type WrittenMessage = Pick<SandboxStructuredMessage, 'text' | 'direction' | 'originatingEntity'> & {
  readonly metadata?: unknown;
};

/** Genesys: "3 connections a session". */
const MAX_SOCKETS = 3;
/** Genesys: 10 a minute and session. */
const HISTORY_READS_PER_MINUTE = 10;
const MAX_TIMER_MS = 2 ** 31 - 1;

export class MessagingSessions {
  readonly #sessions = new Map<string, MessagingSession>();
  readonly #now: () => number;
  readonly #settings: () => SandboxSettings;

  constructor(now: () => number, settings: () => SandboxSettings) {
    this.#now = now;
    this.#settings = settings;
  }

  find(token: string): MessagingSession | undefined {
    const session = this.#sessions.get(token);
    if (session && this.#now() >= session.expiresAtMs) this.#end(session, 'SessionExpiredEvent');
    return session;
  }

  /** Begins a session. It replaces one that went by the same UUID, whose messages stay in the history. */
  start(token: string, externalId: string | undefined, lifeSeconds: number): MessagingSession {
    const before = this.#sessions.get(token);
    clearTimeout(before?.expiryTimer);
    const session: MessagingSession = {
      token,
      externalId,
      messages: before?.messages ?? [],
      expiresAtMs: this.#now() + lifeSeconds * 1000,
      isOver: false,
      sockets: new Set(),
      historyLimit: before?.historyLimit ?? createRateLimit(HISTORY_READS_PER_MINUTE, 60_000),
      expiryTimer: undefined,
    };
    this.#sessions.set(token, session);
    return session;
  }

  /** Lets a socket take part. The oldest of four is closed. */
  attach(session: MessagingSession, socket: SessionSocket): void {
    const [oldest] = session.sockets;
    if (oldest && !session.sockets.has(socket) && session.sockets.size >= MAX_SOCKETS) {
      session.sockets.delete(oldest);
      oldest.send(unasked('ConnectionClosedEvent', { reason: 'Too many connections' }));
      oldest.close();
    }
    session.sockets.add(socket);
    this.#watchExpiry(session);
  }

  detach(session: MessagingSession, socket: SessionSocket): void {
    session.sockets.delete(socket);
    this.#watchExpiry(session);
  }

  /** Adds a message to the conversation; the frame that tells the sockets. */
  write(session: MessagingSession, written: WrittenMessage): MessagingFrame {
    const time = new Date(this.#now() + this.#settings().clockOffsetMs).toISOString();
    const channel = { time, type: 'Private' } as const;
    const message = { id: randomId(), type: 'Text', channel, ...written } as const;
    session.messages.push(message);
    return unasked('StructuredMessage', message);
  }

  /** Lets the agent answer what the visitor wrote. */
  answer(session: MessagingSession): void {
    const turn = session.messages.filter(({ direction }) => direction === 'Outbound').length;
    const text = AGENT_SCRIPT[turn % AGENT_SCRIPT.length] ?? '';
    const { agentDelayMs } = this.#settings();
    if (agentDelayMs === 0) this.#say(session, text);
    else setTimeout(() => this.#say(session, text), agentDelayMs);
  }

  /** Lets the agent write, unasked: in one session, or in all. */
  say(text: string, token?: string): void {
    for (const session of this.#chosen(token)) this.#say(session, text);
  }

  /** Ends one session, or all, as time does. */
  expire(token?: string): void {
    for (const session of this.#chosen(token)) this.#end(session, 'SessionExpiredEvent');
  }

  /** Ends the sessions of one visitor who has signed in, or of all of them. */
  signOut(externalId?: string): void {
    for (const session of this.#sessions.values()) {
      const isSignedIn = session.externalId !== undefined;
      if (isSignedIn && (externalId === undefined || session.externalId === externalId)) {
        this.#end(session, 'LogoutEvent');
      }
    }
  }

  clear(): void {
    for (const { expiryTimer } of this.#sessions.values()) clearTimeout(expiryTimer);
    this.#sessions.clear();
  }

  #chosen(token: string | undefined): MessagingSession[] {
    return [...this.#sessions.values()].filter(
      (session) => token === undefined || session.token === token,
    );
  }

  #say(session: MessagingSession, text: string): void {
    if (session.isOver) return;
    const said = { text, direction: 'Outbound', originatingEntity: 'Human' } as const;
    broadcast(session, this.write(session, said));
  }

  #end(session: MessagingSession, event: string): void {
    if (session.isOver) return;
    session.isOver = true;
    clearTimeout(session.expiryTimer);
    broadcast(session, unasked(event));
  }

  /** Tells the sockets when the session's time is over. */
  #watchExpiry(session: MessagingSession): void {
    clearTimeout(session.expiryTimer);
    if (session.isOver || session.sockets.size === 0) return;
    const delayMs = Math.min(session.expiresAtMs - this.#now(), MAX_TIMER_MS);
    session.expiryTimer = setTimeout(() => {
      if (this.#now() >= session.expiresAtMs) this.#end(session, 'SessionExpiredEvent');
      else this.#watchExpiry(session);
    }, delayMs);
  }
}

function broadcast({ sockets }: MessagingSession, frame: MessagingFrame): void {
  for (const socket of sockets) socket.send(frame);
}
