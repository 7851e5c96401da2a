import { QueryClient } from '@tanstack/react-query';
import { GuestTokenSession, type TokenQueryOptions } from './guestTokenSession.ts';
import type { GuestTokenSettings } from './guestTokenSettings.ts';

const sessions = new WeakMap<QueryClient, Map<string, GuestTokenSession>>();

let ownClient: QueryClient | undefined;

/**
 * The client of providers that were given none: one for the page, so that two providers of one
 * visitor share a request. On a server one for each, so that nothing is shared between visitors.
 */
export function pageClient(): QueryClient {
  if (!globalThis.window) return new QueryClient();
  ownClient ??= new QueryClient();
  return ownClient;
}

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

/**
 * Called when the last provider of a session is gone.
 *
 * @param forGood the visitor is gone as well
 */
export function releaseSession(
  client: QueryClient,
  session: GuestTokenSession,
  forGood: boolean,
): void {
  // A token lives as long as its client. The page's own belongs to the providers.
  if (forGood || client === ownClient) session.end(forGood);
  else session.endFlight();
}
