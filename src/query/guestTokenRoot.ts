import type { QueryClient } from '@tanstack/react-query';
import { createGuestFetch, type GuestFetchSession, normalOrigins } from '../core/guestFetch.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { unlessAborted } from '../core/sleep.ts';
import { type GuestTokenSession, gone } from './guestTokenSession.ts';
import type { GuestTokenSettings } from './guestTokenSettings.ts';
import { keepSession, releaseSession } from './sessions.ts';

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
    signal?.throwIfAborted();
    ended.signal.throwIfAborted();
    const token = await unlessAborted(unlessAborted(ask(session), ended.signal), signal);
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

/**
 * What a provider keeps for its whole life: functions that never change and act for whoever is the
 * visitor now.
 */
export class GuestTokenRoot {
  #lease = leaseOf(null);
  #origins: readonly string[] = [];

  /** A token that is valid at the moment it resolves. */
  readonly getToken = (options?: GetTokenOptions): Promise<string> => this.#lease.getToken(options);

  /** A new token now. */
  readonly refresh = (): Promise<string> => this.#lease.refresh();

  /** A `fetch` that carries the token. */
  readonly fetch: typeof fetch = createGuestFetch({
    session: () => this.#lease,
    origins: () => this.#origins,
  });

  /** Makes what was rendered what counts. To be called at commit, before any effect runs. */
  commit(
    session: GuestTokenSession | null,
    settings: GuestTokenSettings | null,
    origins: readonly string[],
  ): void {
    this.#origins = normalOrigins(origins);
    const { session: before } = this.#lease;
    this.#lend(session);
    if (session === null) before?.signOut();
    if (settings) session?.configure(settings);
  }

  /** Keeps the session's token fresh while the provider is on the page; returns the end of that. */
  watch(client: QueryClient, session: GuestTokenSession): () => void {
    // React takes an <Activity> off the page and puts it back without a new commit.
    keepSession(client, session);
    this.#lend(session);
    return session.watch(() => {
      const isCurrent = this.#lease.session === session;
      if (isCurrent) this.#lend(null);
      releaseSession(client, session, !isCurrent);
    });
  }

  #lend(session: GuestTokenSession | null): void {
    if (session === this.#lease.session) return;
    this.#lease.ended.abort(gone());
    this.#lease = leaseOf(session);
  }
}
