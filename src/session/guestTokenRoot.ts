import type { QueryClient } from '@tanstack/react-query';
import { createGuestFetch, type GuestFetchSession } from '../core/guestFetch.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { unlessAborted } from '../core/waits.ts';
import { type GuestTokenSession, gone } from './guestTokenSession.ts';
import type { CheckedConfig } from './guestTokenSettings.ts';
import { pageClient } from './pageClient.ts';

export interface GetTokenOptions {
  /** Ends the wait of this one caller. */
  signal?: AbortSignal;
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
  watch(session: GuestTokenSession): () => void;
}

export function createGuestTokenRoot(): GuestTokenRoot {
  let session: GuestTokenSession | null = null;
  let ended = new AbortController();
  let allowed: readonly string[] = [];

  /**
   * The session for as long as the provider shows it: who waits for it does not get the next one's.
   * Each call has a lease of its own, so its second refusal is that of a replacement.
   */
  function lease(): GuestFetchSession & { refresh(): Promise<string> } {
    const leased = session;
    const { signal: end } = ended;
    async function tokenOf(
      ask: (session: GuestTokenSession) => Promise<GuestToken>,
      signal?: AbortSignal,
    ): Promise<string> {
      if (!leased) throw gone();
      const token = await unlessAborted(signal, () => unlessAborted(end, () => ask(leased)));
      // The token and the end may have come in the same turn.
      end.throwIfAborted();
      return token.value;
    }
    let isResent = false;
    return {
      getToken: (options) => tokenOf((asked) => asked.getToken(), options?.signal),
      refresh: () => tokenOf((asked) => asked.refresh()),
      reject(token) {
        if (end.aborted || !leased) return false;
        if (isResent) return leased.rejectReplacement();
        isResent = leased.reject(token);
        return isResent;
      },
    };
  }

  function show(next: GuestTokenSession | null): void {
    if (next === session) return;
    ended.abort(gone());
    ended = new AbortController();
    session = next;
  }

  return {
    client: pageClient(),
    getToken: (options) => lease().getToken(options),
    refresh: () => lease().refresh(),
    fetch: createGuestFetch({
      session: lease,
      get origins() {
        return allowed;
      },
    }),
    commit(next, settings, origins) {
      allowed = origins;
      const before = session;
      show(next);
      // Later, since React allows no updates while it commits.
      if (next === null) queueMicrotask(() => before?.signOut());
      next?.configure(settings);
    },
    watch(watched) {
      // React takes an <Activity> off the page and puts it back without a new commit.
      show(watched);
      return watched.watch(() => {
        const isCurrent = session === watched;
        if (isCurrent) show(null);
        return !isCurrent;
      });
    },
  };
}
