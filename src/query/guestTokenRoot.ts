import type { QueryClient } from '@tanstack/react-query';
import { createGuestFetch, type GuestFetchSession } from '../core/guestFetch.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { unlessAborted } from '../core/sleep.ts';
import { type GuestTokenSession, gone } from './guestTokenSession.ts';
import { type CheckedConfig, isSomebody } from './guestTokenSettings.ts';
import { pageClient, releaseSession } from './sessions.ts';

export interface GetTokenOptions {
  /** Ends the wait of this one caller. */
  signal?: AbortSignal;
}

/** A session for as long as its provider shows it: whoever waits for it does not get the next one's. */
interface Lease extends GuestFetchSession {
  readonly session: GuestTokenSession | null;
  readonly ended: AbortController;
  refresh(): Promise<string>;
}

function leaseOf(session: GuestTokenSession | null): Lease {
  const ended = new AbortController();
  async function use(
    ask: (session: GuestTokenSession) => Promise<GuestToken>,
    signal?: AbortSignal,
  ): Promise<string> {
    if (!session) throw gone();
    const token = await unlessAborted(signal, () =>
      unlessAborted(ended.signal, () => ask(session)),
    );
    // The token and the end may have come in the same turn.
    ended.signal.throwIfAborted();
    return token.value;
  }
  return {
    session,
    ended,
    getToken: (options) => use((asked) => asked.getToken(), options?.signal),
    refresh: () => use((asked) => asked.refresh()),
    reject: (token) => !ended.signal.aborted && session?.reject(token),
    resent: (refused) => session?.resent(refused),
  };
}

/** What a provider keeps for its whole life: functions that act for whoever is the visitor now. */
export interface GuestTokenRoot {
  /** For a provider that was given no other. */
  readonly client: QueryClient;
  /** A token that is valid at the moment it resolves. */
  getToken(options?: GetTokenOptions): Promise<string>;
  /** A new token now. */
  refresh(): Promise<string>;
  /** Carries the token. */
  readonly fetch: typeof fetch;
  /** Makes what was rendered what counts. To be called at commit, before any effect runs. */
  commit(
    session: GuestTokenSession | null,
    settings: CheckedConfig,
    origins: readonly string[],
  ): void;
  /** Keeps the session's token fresh while the provider is on the page; returns the end of that. */
  watch(client: QueryClient, session: GuestTokenSession): () => void;
}

export function createRoot(): GuestTokenRoot {
  let lease = leaseOf(null);
  let allowed: readonly string[] = [];

  function lend(session: GuestTokenSession | null): void {
    if (session === lease.session) return;
    lease.ended.abort(gone());
    lease = leaseOf(session);
  }

  return {
    client: pageClient(),
    getToken: (options) => lease.getToken(options),
    refresh: () => lease.refresh(),
    fetch: createGuestFetch({
      session: () => lease,
      get origins() {
        return allowed;
      },
    }),
    commit(session, settings, origins) {
      allowed = origins;
      const { session: before } = lease;
      lend(session);
      if (session === null) before?.signOut();
      if (isSomebody(settings)) session?.configure(settings);
    },
    watch(client, session) {
      // React takes an <Activity> off the page and puts it back without a new commit.
      lend(session);
      return session.watch(() => {
        const isCurrent = lease.session === session;
        if (isCurrent) lend(null);
        releaseSession(client, session, !isCurrent);
      });
    },
  };
}
