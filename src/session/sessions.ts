import { readClock } from '../core/clock.ts';
import type { GuestTokenSession } from './session.ts';
import type { SessionState } from './state.ts';
import { isAtRest } from './throttle.ts';

/** The session of an identity, or what remains of the last one. */
type Entry =
  | { readonly session: GuestTokenSession; readonly madeAtMs: number }
  | { readonly remains: SessionState };

/** More than a render takes from its beginning to its commit. */
const COMMIT_MS = 60_000;

type Entries = Map<string, Entry>;

// On the global object, so that two copies of the package on one page share their sessions. Count up
// when what providers call of a session changes.
const registry = Symbol.for('react-guest-token.sessions.1');
const list = Symbol.for('react-guest-token.list.1');
const globals: typeof globalThis & {
  [registry]?: WeakMap<object, Entries>;
  [list]?: Set<WeakRef<GuestTokenSession>>;
} = globalThis;
globals[registry] ??= new WeakMap();
const clients = globals[registry];
// The inspector finds the sessions here: a WeakMap can't be listed.
globals[list] ??= new Set();
const listed = globals[list];

/**
 * The one session of an identity on a client: made by the first who asks, be it a render that is
 * thrown away and repeated, another provider on the page, or the query function.
 *
 * @param key names the identity
 * @param create told what remains of the session before, and what to call at its end
 */
export function sessionFor(
  client: object,
  key: string,
  create: (
    remains: SessionState | undefined,
    onDispose: (remains: SessionState) => void,
  ) => GuestTokenSession,
): GuestTokenSession {
  const entries: Entries = clients.get(client) ?? new Map();
  const found = entries.get(key);
  if (found && 'session' in found) return found.session;
  sweep(entries);
  for (const ref of listed) if (ref.deref()?.isDisposed ?? true) listed.delete(ref);
  const session = create(found?.remains, (remains) => entries.set(key, { remains }));
  // Not on a server, where a client may live for many visitors.
  if (globalThis.window) {
    clients.set(client, entries.set(key, { session, madeAtMs: Date.now() }));
    listed.add(new WeakRef(session));
  }
  return session;
}

/** The session of an identity, where there is one. */
export function findSession(client: object, key: string): GuestTokenSession | undefined {
  const found = clients.get(client)?.get(key);
  return found && 'session' in found ? found.session : undefined;
}

/** Forgets past visitors. */
function sweep(entries: Entries): void {
  for (const [key, entry] of entries) {
    const session = 'session' in entry ? entry.session : undefined;
    const { held, acquisition, isWatched, throttle } =
      'session' in entry ? entry.session.store.state : entry.remains;
    // A new one may belong to a render that is yet to be committed.
    const isNew = 'session' in entry && Math.abs(Date.now() - entry.madeAtMs) < COMMIT_MS;
    if (held || acquisition || isWatched || isNew || !isAtRest(throttle, readClock())) continue;
    session?.dispose();
    entries.delete(key);
  }
}
