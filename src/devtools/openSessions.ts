import type { GuestTokenSession } from '../session/session.ts';

// By their registered names, so that the sessions of every copy of the package on the page are found.
const list = Symbol.for('react-guest-token.list.1');
const registry = Symbol.for('react-guest-token.sessions.1');
const globals: typeof globalThis & {
  [list]?: Set<WeakRef<GuestTokenSession>>;
  [registry]?: WeakMap<object, ReadonlyMap<string, { readonly session?: GuestTokenSession }>>;
} = globalThis;

/** The sessions of all clients on the page, oldest first. */
export function openSessions(): readonly GuestTokenSession[] {
  return [...(globals[list] ?? [])].flatMap((ref) => {
    const session = ref.deref();
    return session && !session.isDisposed ? [session] : [];
  });
}

/** Whether a session belongs to a client. */
export function isSessionOf(client: object, session: GuestTokenSession): boolean {
  const entries = globals[registry]?.get(client)?.values() ?? [];
  return [...entries].some((entry) => entry.session === session);
}

/**
 * Watches for new sessions.
 *
 * @param listener called as soon as one is made, which may be while React renders
 * @returns stops watching
 */
export function onNewSession(listener: () => void): () => void {
  globals[list] ??= new Set();
  const sessions = globals[list];
  // Sessions don't announce themselves, since nearly no page has an inspector.
  sessions.add = (ref) => {
    Set.prototype.add.call(sessions, ref);
    listener();
    return sessions;
  };
  return () => Reflect.deleteProperty(sessions, 'add');
}
