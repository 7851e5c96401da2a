import { warnOfNewSession } from '../core/devWarnings.ts';
import { createGuestFetch, type GuestFetchSession } from '../core/guestFetch.ts';
import type { GuestToken } from '../core/guestToken.ts';
import type { GuestTokenSource } from '../core/tokenSource.ts';
import { unlessAborted } from '../core/waits.ts';
import type { GuestTokenSession } from './session.ts';
import { type CheckedConfig, isSomebody } from './settings.ts';
import { gone } from './singleFlight.ts';

export interface GetTokenOptions {
  /** Ends the wait of this one caller. */
  signal?: AbortSignal | undefined;
}

/** What a provider keeps for its whole life: functions that act for whoever is the visitor now. */
export interface CurrentSession {
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

/** A session for as long as a provider shows it: who waits does not get the next visitor's token. */
class Lease {
  readonly session: GuestTokenSession | null;
  /** The same as of its signal, which takes longer to ask than all the rest of a `getToken`. */
  isOver = false;
  readonly #ended = new AbortController();
  readonly #waiting = new WeakMap<Promise<GuestToken>, Promise<string>>();

  constructor(session: GuestTokenSession | null) {
    this.session = session;
  }

  end(): void {
    this.isOver = true;
    this.#ended.abort(gone());
  }

  getToken(options?: GetTokenOptions): Promise<string> {
    const { session } = this;
    const signal = options?.signal;
    if (!session || this.isOver) return Promise.reject(gone());
    const token = signal?.aborted ? undefined : session.flight.takeToken();
    if (token) return Promise.resolve(token).then(this.#handOut);
    return unlessAborted(signal, () => this.#wait(session.flight.getToken()));
  }

  refresh(): Promise<string> {
    return this.session ? this.#wait(this.session.refresh()) : Promise.reject(gone());
  }

  /** The token and the end may have come in the same turn. */
  readonly #handOut = ({ value }: GuestToken): string => {
    if (this.isOver) throw gone();
    return value;
  };

  /** One wait for each acquisition, however many callers there are. */
  #wait(token: Promise<GuestToken>): Promise<string> {
    const known = this.#waiting.get(token);
    if (known) return known;
    const wait = unlessAborted(this.#ended.signal, () => token).then(this.#handOut);
    this.#waiting.set(token, wait);
    return wait;
  }

  /** For one call, whose second refusal is that of the replacement it was sent again with. */
  forCall(): GuestFetchSession {
    let isResent = false;
    return {
      getToken: (options) => this.getToken(options),
      reject: (token) => {
        if (!this.session || this.isOver) return false;
        if (isResent) return this.session.rejectReplacement();
        isResent = this.session.reject(token);
        return isResent;
      },
    };
  }
}

export function createCurrentSession(): CurrentSession {
  let lease = new Lease(null);
  let allowed: readonly string[] = [];
  let source: GuestTokenSource | undefined;

  function show(next: GuestTokenSession | null): void {
    if (next === lease.session) return;
    lease.end();
    lease = new Lease(next);
  }

  return {
    getToken: (options) => lease.getToken(options),
    refresh: () => lease.refresh(),
    fetch: createGuestFetch({
      session: () => lease.forCall(),
      get origins() {
        return allowed;
      },
    }),
    commit(next, settings, origins) {
      allowed = origins;
      source = settings.source;
      const before = lease.session;
      show(next);
      warnOfNewSession(before, next);
      if (isSomebody(settings)) next?.configure(settings);
      if (next || !before) return;
      const { watchesBegun } = before;
      // Later, since React allows no updates while it commits.
      queueMicrotask(() => {
        // Back within one turn, here or in another provider: then the visitor has not left.
        const isBack = lease.session === before || before.watchesBegun > watchesBegun;
        if (!isBack) before.signOut();
      });
    },
    watch(watched) {
      // React takes an <Activity> off the page and puts it back without a new commit.
      show(watched);
      return watched.watch(source, () => {
        const isCurrent = lease.session === watched;
        if (isCurrent) show(null);
        return !isCurrent;
      });
    },
  };
}
