import { type Instant, readClock } from '../core/clock.ts';
import type { GuestTokenEvent } from '../core/events.ts';
import type { GuestTokenSession } from '../session/session.ts';
import type { SessionState } from '../session/state.ts';
import { onNewSession, openSessions } from './openSessions.ts';

/** Older events are forgotten. */
const MAX_EVENTS = 200;

/** What is known of a session at one moment. */
export interface InspectedSession {
  /** Counts the sessions of the page. */
  readonly id: number;
  readonly session: GuestTokenSession;
  readonly state: SessionState;
  /** When the state became known. */
  readonly changedAt: Instant;
  /** What has happened since the inspector came to the page, oldest first. */
  readonly events: readonly GuestTokenEvent[];
}

/** Follows all sessions of the page, for as long as somebody listens. */
export class SessionLog {
  readonly #listeners = new Set<() => void>();
  #sessions: readonly InspectedSession[] = [];
  #count = 0;
  /** What ends the watch, session by session, and that for new ones. */
  readonly #stops = new Map<GuestTokenSession | 'new', () => void>();
  #willNotify = false;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  };

  /** The same array until something changes. */
  readonly getSessions = (): readonly InspectedSession[] => this.#sessions;

  #start(): void {
    this.#stops.set('new', onNewSession(this.#onNewSession));
    this.#onNewSession();
  }

  #stop(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
    this.#sessions = [];
  }

  readonly #onNewSession = (): void => {
    for (const session of openSessions()) {
      if (this.#stops.has(session)) continue;
      const id = ++this.#count;
      this.#sessions = [...this.#sessions, { id, session, events: [], ...present(session) }];
      this.#stops.set(
        session,
        session.store.subscribe((_changed, events) => this.#onChange(session, events)),
      );
    }
    this.#notifyLater();
  };

  #onChange(session: GuestTokenSession, news: readonly GuestTokenEvent[]): void {
    if (session.isDisposed) {
      this.#stops.get(session)?.();
      this.#stops.delete(session);
      this.#sessions = this.#sessions.filter((one) => one.session !== session);
    } else {
      this.#sessions = this.#sessions.map((one) => {
        if (one.session !== session) return one;
        const events = [...one.events, ...news].slice(-MAX_EVENTS);
        return { ...one, events, ...present(session) };
      });
    }
    this.#notifyLater();
  }

  /** A session may be made while React renders. */
  #notifyLater(): void {
    if (this.#willNotify) return;
    this.#willNotify = true;
    queueMicrotask(() => {
      this.#willNotify = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

function present({ store }: GuestTokenSession): Pick<InspectedSession, 'state' | 'changedAt'> {
  return { state: store.state, changedAt: readClock() };
}
