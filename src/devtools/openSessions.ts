import type { GuestTokenSession } from '../session/session.ts';

// By its registered name, so that the sessions of every copy of the package on the page are found.
const list = Symbol.for('react-guest-token.list.1');
const globals: typeof globalThis & { [list]?: Set<WeakRef<GuestTokenSession>> } = globalThis;

/** The sessions of all clients on the page, oldest first. */
export function openSessions(): readonly GuestTokenSession[] {
  return [...(globals[list] ?? [])].flatMap((ref) => {
    const session = ref.deref();
    return session && !session.isDisposed ? [session] : [];
  });
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
