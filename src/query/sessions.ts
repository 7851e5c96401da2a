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
  if (typeof document === 'undefined') return new QueryClient();
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
  sessions.set(client, known);
  for (const session of known.values()) {
    if (session.isForgotten) endSession(client, session);
  }
  const session = known.get(options.queryHash) ?? new GuestTokenSession(client, options, settings);
  known.set(options.queryHash, session);
  return session;
}

/** Called when the last provider of a session is gone. */
export function releaseSession(client: QueryClient, session: GuestTokenSession): void {
  // A token lives as long as its client. The page's own belongs to the providers.
  if (client === ownClient) endSession(client, session);
  else session.rest();
}

/** Ends a session whose visitor is gone. */
export function endSession(client: QueryClient, session: GuestTokenSession): void {
  sessions.get(client)?.delete(session.hash);
  session.end();
}
