import type { QueryClient } from '@tanstack/react-query';
import { GuestTokenSession, type TokenQueryOptions } from './guestTokenSession.ts';
import type { GuestTokenSettings } from './guestTokenSettings.ts';

const sessions = new WeakMap<QueryClient, Map<string, GuestTokenSession>>();

/**
 * The one session of an identity on a client: made by the first who asks, be it a render that is
 * thrown away and repeated, another provider on the page, or the query function.
 */
export function sessionFor(
  client: QueryClient,
  options: TokenQueryOptions,
  settings: GuestTokenSettings,
): GuestTokenSession {
  const known = sessions.get(client) ?? new Map<string, GuestTokenSession>();
  const found = known.get(options.queryHash);
  if (found && !found.isOver) return found;
  const session = new GuestTokenSession(client, options, settings);
  // Not on a server, where a client may live for many visitors.
  if (globalThis.window) sessions.set(client, known.set(options.queryHash, session));
  return session;
}
