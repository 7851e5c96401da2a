import type { QueryClient } from '@tanstack/react-query';
import { GuestTokenError } from '../core/errors.ts';
import { createGuestFetch, normalOrigins } from '../core/guestFetch.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { type GuestTokenSession, gone } from './guestTokenSession.ts';
import type { GuestTokenSettings } from './guestTokenSettings.ts';
import { endSession, releaseSession } from './sessions.ts';

export interface GetTokenOptions {
  /** Ends the wait of this one caller. */
  signal?: AbortSignal;
}

/** A session for as long as its provider shows it: whoever waits for it does not get the next one's. */
class Lease {
  readonly client: QueryClient;
  readonly session: GuestTokenSession;
  readonly #end = new AbortController();

  constructor(client: QueryClient, session: GuestTokenSession) {
    this.client = client;
    this.session = session;
  }

  end(): void {
    this.#end.abort(gone());
  }

  readonly getToken = (options?: GetTokenOptions): Promise<string> =>
    this.#unlessEnded(() => this.session.getToken(), options?.signal);

  readonly refresh = (): Promise<string> => this.#unlessEnded(() => this.session.refresh());

  readonly reject = (token: string): boolean =>
    !this.#end.signal.aborted && this.session.reject(token);

  async #unlessEnded(ask: () => Promise<GuestToken>, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    this.#end.signal.throwIfAborted();
    const token = await settledFirst(ask(), this.#end.signal, signal);
    // The token and the end may have come in the same turn.
    this.#end.signal.throwIfAborted();
    return token.value;
  }
}

/** `work`, or the reason of the first signal that aborts before. */
function settledFirst<Result>(
  work: Promise<Result>,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stops = signals.map((signal) => {
      const stop = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', stop);
      return () => signal?.removeEventListener('abort', stop);
    });
    work.then(resolve, reject).finally(() => {
      for (const stop of stops) stop();
    });
  });
}

/**
 * What a provider keeps for its whole life: functions that never change and act for whoever is the
 * visitor now.
 */
export class GuestTokenRoot {
  #lease: Lease | undefined;
  #origins: readonly string[] = [];

  /** A token that is valid at the moment it resolves. */
  readonly getToken = (options?: GetTokenOptions): Promise<string> =>
    this.#lease ? this.#lease.getToken(options) : Promise.reject(nobody());

  /** A new token now. */
  readonly refresh = (): Promise<string> =>
    this.#lease ? this.#lease.refresh() : Promise.reject(nobody());

  /** A `fetch` that carries the token. */
  readonly fetch: typeof fetch = createGuestFetch({
    session: () => this.#lease ?? nobodysSession,
    origins: () => this.#origins,
  });

  /** Makes what was rendered what counts. To be called at commit, before any effect runs. */
  commit(
    client: QueryClient,
    session: GuestTokenSession | null,
    settings: GuestTokenSettings | null,
    origins: readonly string[],
  ): void {
    this.#origins = normalOrigins(origins);
    const before = this.#lease;
    if (before?.session !== session) {
      before?.end();
      if (session === null) before?.session.signOut();
      this.#lease = session ? new Lease(client, session) : undefined;
    }
    if (settings) session?.configure(settings);
  }

  /** Keeps the session's token fresh while the provider is on the page; returns the end of that. */
  watch(client: QueryClient, session: GuestTokenSession): () => void {
    // React takes an <Activity> off the page and puts it back without a new commit.
    if (this.#lease?.session !== session) this.#lease = new Lease(client, session);
    return session.watch(() => {
      const current = this.#lease?.session === session;
      if (!current) return endSession(client, session);
      this.#lease?.end();
      this.#lease = undefined;
      releaseSession(client, session);
    });
  }
}

const nobodysSession = { getToken: () => Promise.reject(nobody()), reject: () => false };

function nobody(): GuestTokenError {
  return new GuestTokenError('aborted', 'There is no visitor: externalId is null.');
}
