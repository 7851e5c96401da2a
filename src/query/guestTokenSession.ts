import type { Query, QueryClient, QueryOptions } from '@tanstack/react-query';
import { acquire } from '../core/acquire.ts';
import { toGuestTokenError } from '../core/classify.ts';
import { type Deadline, deadlineIn, type Instant, readClock, untilMs } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import { type GuestTokenEventDetail, identityHash } from '../core/events.ts';
import { NOTABLE_SKEW_MS } from '../core/expiry.ts';
import { GuestToken } from '../core/guestToken.ts';
import { readSuccessor } from '../core/successor.ts';
import { Flight, offline } from './flight.ts';
import type { GuestTokenQueryKey, GuestTokenSettings } from './guestTokenSettings.ts';
import { type GuestTokenState, idleState, noToken } from './guestTokenState.ts';
import {
  isOnline,
  isVisible,
  type RefreshTimer,
  startRefreshTimer,
  type WakeUp,
} from './refreshTimer.ts';
import { RequestGate } from './requestGate.ts';
import { isNewer, receiveToken } from './sharedToken.ts';
import { openTabChannel, type TabChannel } from './tabChannel.ts';
import { TokenStorage } from './tokenStorage.ts';

export type TokenQueryOptions = QueryOptions<
  GuestToken,
  GuestTokenError,
  GuestToken,
  GuestTokenQueryKey
> & { queryKey: GuestTokenQueryKey; queryHash: string };

/** A render may be thrown away and repeated; after this long it will not be. */
const UNWATCHED_MS = 300_000;

/** What runs while somebody watches. */
interface Watch {
  readonly timer: RefreshTimer;
  readonly forgetCache: () => void;
}

/**
 * The life of one identity's token on one QueryClient: acquires it, keeps it fresh while somebody
 * watches, replaces it when refused, ends it. The query is its store; all else here is about when
 * to ask.
 */
export class GuestTokenSession {
  readonly #client: QueryClient;
  readonly #options: TokenQueryOptions;
  readonly #identity: string;
  readonly #gate = new RequestGate();
  readonly #listeners = new Set<() => void>();
  readonly #tabs: TabChannel | undefined;
  readonly #storage: TokenStorage | undefined;
  #settings: GuestTokenSettings;
  #flight: Flight | undefined;
  #error: GuestTokenError | null = null;
  #roundHasFailed = false;
  #signedOut = false;
  /** The latest token, kept when it is over: to recognise it when a source hands it back. */
  #latest: GuestToken | undefined;
  /** The token in hand, where a server has refused it. */
  #rejected: GuestToken | undefined;
  /** When to ask again after the source has handed back the same, living token. */
  #lookAgain: Deadline | undefined;
  #clockErrorMs = 0;
  #reportedSkewMs = 0;
  #watchers = 0;
  #keptUntil = deadlineIn(UNWATCHED_MS);
  #watch: Watch | undefined;
  #state: GuestTokenState | undefined;

  constructor(client: QueryClient, options: TokenQueryOptions, settings: GuestTokenSettings) {
    this.#client = client;
    this.#options = options;
    this.#settings = settings;
    this.#identity = identityHash(options.queryHash);
    this.#latest = this.#token;
    if (settings.shareAcrossTabs) {
      this.#tabs = openTabChannel(options.queryHash, {
        token: () => this.#lendable(),
        onToken: (shared) => this.#adopt(receiveToken(shared, this.#settings.expiryBufferMs)),
        onSignIn: () => this.#resume(),
        onSignOut: () => this.#leave(),
      });
    }
    if (settings.storage === 'session') {
      this.#storage = new TokenStorage(options.queryHash, () =>
        this.#emit({ type: 'storage-failed' }),
      );
      const kept = this.#storage.read(settings.expiryBufferMs);
      if (kept) this.#keep(kept);
    }
  }

  /** Takes over the latest settings of its provider; none of them changes who the token is for. */
  configure(settings: GuestTokenSettings): void {
    const { keepFresh } = this.#settings;
    this.#settings = settings;
    if (settings.keepFresh !== keepFresh) this.#look();
  }

  get hash(): string {
    return this.#options.queryHash;
  }

  /** Nobody has watched it for long, and nobody waits for it: a render that never committed. */
  get isForgotten(): boolean {
    return this.#watchers === 0 && !this.#flight && untilMs(this.#keptUntil) <= 0;
  }

  // --- what others see -------------------------------------------------------------------------

  /** The state as of now; the same object for as long as nothing has changed. */
  read(): GuestTokenState {
    const token = this.#usable();
    if (!this.#state || this.#state.token !== token?.value) this.#state = this.#describe(token);
    return this.#state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #describe(token: GuestToken | undefined): GuestTokenState {
    const flight = this.#flight;
    const pause = flight?.pause;
    const base = {
      error: this.#error,
      retryAtMs: pause ? pause.endsAtMs : this.#gate.opensAtMs,
      isRefreshing: flight !== undefined && pause?.kind !== 'offline',
    };
    if (token) {
      const { value, visitorId, expiresAtMs } = token;
      return { ...base, status: 'success', token: value, visitorId, expiresAtMs };
    }
    if (this.#signedOut) return idleState;
    if (this.#roundHasFailed && base.error) {
      return { ...base, ...noToken, status: 'error', error: base.error };
    }
    return { ...base, ...noToken, status: 'pending' };
  }

  #tell(): void {
    this.#state = undefined;
    for (const listener of this.#listeners) listener();
    this.#watch?.timer.rearm();
  }

  #emit(detail: GuestTokenEventDetail): void {
    try {
      this.#settings.onEvent?.({ ...detail, atMs: Date.now(), identity: this.#identity });
    } catch (error) {
      // A listener's mistake is its own: shown as such, it must not cost the token.
      globalThis.reportError?.(error);
    }
  }

  // --- what callers ask for --------------------------------------------------------------------

  /** A token that is valid now: the one in hand at once, renewed behind it when stale. */
  async getToken(): Promise<GuestToken> {
    const token = this.#usable();
    if (!token || token === this.#rejected) return this.#obtain();
    if (this.#isDue(token) && !this.#gate.error) this.#start();
    return token;
  }

  /** A token that is not stale, where one can be had: what the query function yields. */
  async freshToken(): Promise<GuestToken> {
    const token = this.#usable();
    const good = token !== this.#rejected && token;
    if (good && (!this.#isDue(good) || this.#gate.error)) return good;
    return this.#obtain();
  }

  /** A new token now, whatever pause is on. */
  refresh(): Promise<GuestToken> {
    this.#signedOut = false;
    this.#gate.open(true);
    this.#flight?.nudge(true);
    return (this.#flight ?? this.#start({ byHand: true })).token;
  }

  /**
   * Tells that a server has refused a token.
   *
   * @returns false where it will not be replaced now, so that the refusal is the caller's
   */
  reject(value: string): boolean {
    const token = this.#usable();
    // A late answer for an older token: there is, or soon will be, a newer one to send again with.
    if (token?.value !== value || token === this.#rejected) return true;
    if (this.#gate.error || !this.#gate.mayReplaceRefused()) return false;
    this.#rejected = token;
    this.#storage?.clear();
    this.#emit({ type: 'rejected' });
    this.#start();
    return true;
  }

  /** For a component that can't render without a token: asks, and resolves when the round is over. */
  settled(): Promise<void> {
    // Only a reset error boundary renders on after an error; that is a person's wish.
    if (!this.#flight) this.#gate.open(true);
    return (this.#flight ?? this.#start()).over;
  }

  #obtain(): Promise<GuestToken> {
    if (this.#signedOut) return Promise.reject(gone());
    const { error } = this.#gate;
    if (!this.#flight && error) return Promise.reject(error);
    return (this.#flight ?? this.#start()).token;
  }

  // --- one round -------------------------------------------------------------------------------

  #start({ byHand = false } = {}): Flight {
    if (this.#flight) return this.#flight;
    const flight = new Flight();
    this.#flight = flight;
    this.#run(flight, byHand).then(
      (token) => this.#succeed(flight, token),
      (thrown) => this.#fail(flight, toGuestTokenError(thrown)),
    );
    // Shows the round in the query; the query function joins the flight.
    this.#query.fetch(this.#options).catch(() => undefined);
    this.#state = undefined;
    // Later, since a component that can't render without a token starts this while it renders.
    queueMicrotask(() => this.#tell());
    return flight;
  }

  async #run(flight: Flight, byHand: boolean): Promise<GuestToken> {
    await undefined; // events are told later, too
    const round = (): Promise<GuestToken> => this.#acquire(flight);
    return this.#tabs ? this.#tabs.exclusively(flight.signal, !byHand, round) : round();
  }

  #acquire(flight: Flight): Promise<GuestToken> {
    const { source, retry, externalId, channelId, attributes } = this.#settings;
    const fresh = this.#latest !== undefined;
    return acquire({
      source,
      request: { externalId, channelId, attributes, fresh },
      retry,
      signal: flight.signal,
      ready: async (attempt) => {
        if (!isOnline()) {
          this.#error = offline();
          const online = flight.waitOnline();
          this.#tell();
          await online;
        }
        if (flight.signal.aborted) return;
        this.#gate.countRequest();
        this.#emit({ type: 'acquiring', attempt, fresh });
      },
      onRetry: (attempt, error, delayMs) => {
        this.#error = error;
        this.#emit({ type: 'retrying', attempt, delayMs, code: error.code });
      },
      wait: async (delayMs) => {
        const over = flight.backOff(delayMs, this.#error?.retryAtMs !== undefined);
        this.#tell();
        await over;
        this.#tell();
      },
      read: (reply, requestedAt, attempt) => this.#read(reply, requestedAt, attempt),
    });
  }

  #read(reply: unknown, requestedAt: Instant, attempt: number): GuestToken {
    const before = {
      token: this.#latest,
      wasRejected: this.#latest !== undefined && this.#latest === this.#rejected,
      clockErrorMs: this.#clockErrorMs,
    };
    const { expiryBufferMs, fallbackTtlMs } = this.#settings;
    const { token, clockErrorMs } = readSuccessor(reply, before, {
      requestedAt,
      expiryBufferMs,
      fallbackTtlMs,
    });
    this.#clockErrorMs = clockErrorMs;
    if (token !== this.#latest) this.#announce(token, attempt);
    return token;
  }

  #announce(token: GuestToken, attempt: number): void {
    const { expiresAtMs, lifeMs, clockSkewMs } = token;
    this.#reportSkew(clockSkewMs ?? this.#clockErrorMs);
    if (token.expirySource === 'fallback') this.#emit({ type: 'fallback-expiry', expiresAtMs });
    if (token.bufferMs < this.#settings.expiryBufferMs) warnOfShortLife(token);
    this.#emit({ type: 'acquired', attempt, lifeMs, expiresAtMs });
  }

  #reportSkew(skewMs: number): void {
    if (Math.abs(skewMs - this.#reportedSkewMs) < NOTABLE_SKEW_MS) return;
    this.#reportedSkewMs = skewMs;
    this.#emit({ type: 'clock-skew', skewMs });
  }

  #succeed(flight: Flight, token: GuestToken): void {
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    if (token === this.#latest) {
      // Handed back while it has life: no error, but its end is nearer now.
      this.#lookAgain = deadlineIn(token.remainingMs() / 2);
      this.#settle();
    } else {
      this.#keep(token);
      this.#tabs?.announce(token);
      this.#storage?.write(token);
    }
    flight.succeed(token);
    this.#tell();
  }

  #fail(flight: Flight, error: GuestTokenError): void {
    if (this.#flight !== flight) return;
    this.#flight = undefined;
    if (error.code !== 'aborted') {
      this.#error = error;
      this.#roundHasFailed = true;
      this.#gate.roundFailed(error);
      this.#emit({ type: 'failed', code: error.code, retryAtMs: this.#gate.opensAtMs });
    }
    flight.fail(error);
    this.#tell();
  }

  // --- the token in hand -----------------------------------------------------------------------

  get #query(): Query<GuestToken, GuestTokenError, GuestToken, GuestTokenQueryKey> {
    return this.#client.getQueryCache().build(this.#client, this.#options);
  }

  /** The token in the query; a client that was cleared or filled by a persister has none. */
  get #token(): GuestToken | undefined {
    const data = this.#client.getQueryCache().get(this.#options.queryHash)?.state.data;
    return data instanceof GuestToken ? data : undefined;
  }

  #usable(now?: Instant): GuestToken | undefined {
    const token = this.#token;
    return token?.isExpired(now) ? undefined : token;
  }

  #isDue(token: GuestToken, now?: Instant): boolean {
    return token.isStale(now) && untilMs(this.#lookAgain, now) <= 0;
  }

  #keep(token: GuestToken): void {
    this.#latest = token;
    this.#rejected = undefined;
    this.#lookAgain = undefined;
    this.#signedOut = false;
    this.#query.setData(token, { updatedAt: Date.now(), manual: true });
    this.#settle();
  }

  #settle(): void {
    this.#error = null;
    this.#roundHasFailed = false;
    this.#gate.roundSucceeded();
  }

  /** A token from another tab. An older one never replaces a newer one. */
  #adopt(token: GuestToken | undefined): void {
    const mine = this.#usable();
    // A tab that has not heard of the sign-out yet must not undo it.
    if (!token || this.#signedOut || token.value === this.#latest?.value) return;
    if (mine && mine !== this.#rejected && !isNewer(token, mine)) return;
    this.#keep(token);
    this.#storage?.write(token);
    this.#emit({ type: 'shared', expiresAtMs: token.expiresAtMs });
    const flight = this.#flight;
    this.#flight = undefined;
    flight?.succeed(token);
    this.#tell();
  }

  #lendable(): GuestToken | undefined {
    const token = this.#usable();
    return token === this.#rejected ? undefined : token;
  }

  #drop(): void {
    this.#storage?.clear();
    this.#rejected = undefined;
    this.#lookAgain = undefined;
    if (this.#token) {
      this.#query.setState({ data: undefined, dataUpdatedAt: 0, status: 'pending' });
    }
  }

  // --- time ------------------------------------------------------------------------------------

  /**
   * Keeps the token fresh for as long as somebody watches.
   *
   * @returns stops watching; it takes effect in a microtask, since StrictMode watches twice
   */
  watch(onUnwatched: () => void): () => void {
    this.#watchers++;
    this.#watch ??= this.#wakeUp();
    // Whoever shows this identity vouches that the visitor is here (again), for all tabs.
    this.#tabs?.signIn();
    this.#resume();
    this.#look();
    return () => {
      this.#watchers--;
      queueMicrotask(() => {
        if (this.#watchers > 0 || !this.#watch) return;
        this.#watch.timer.stop();
        this.#watch.forgetCache();
        this.#watch = undefined;
        this.#keptUntil = deadlineIn(UNWATCHED_MS);
        onUnwatched();
        this.#tabs?.close();
      });
    };
  }

  #wakeUp(): Watch {
    this.#tabs?.open();
    const timer = startRefreshTimer(
      () => this.#nextLookMs(),
      (wakeUp) => this.#onWakeUp(wakeUp),
    );
    const cache = this.#client.getQueryCache();
    const forgetCache = cache.subscribe(({ query, type }) => {
      if (query.queryHash !== this.#options.queryHash) return;
      if (this.#state && this.#state.token !== this.#usable()?.value) this.#tell();
      if (type === 'removed') queueMicrotask(() => this.#look());
    });
    return { timer, forgetCache };
  }

  #onWakeUp(wakeUp: WakeUp): void {
    // A page with an open channel can't enter the back/forward cache.
    if (wakeUp === 'leaving') {
      this.#tabs?.close();
      return;
    }
    this.#tabs?.open();
    if (wakeUp === 'online' || wakeUp === 'visible') {
      this.#gate.open(false);
      this.#flight?.nudge(false);
    }
    this.#look();
  }

  /** Does what is due: drops a token that is over, asks for one that is wanted. */
  #look(): void {
    const token = this.#token;
    if (token?.isExpired()) {
      this.#drop();
      this.#emit({ type: 'expired', expiresAtMs: token.expiresAtMs });
      this.#tell();
    }
    if (this.#mayAskByItself() && this.#nextAskMs() <= 0) this.#start();
  }

  #mayAskByItself(): boolean {
    const { keepFresh } = this.#settings;
    const wanted = keepFresh === 'always' || (keepFresh === 'while-visible' && isVisible());
    return wanted && this.#watchers > 0 && !this.#signedOut && !this.#flight;
  }

  /** Ms until an automatic request is due. */
  #nextAskMs(now: Instant = readClock()): number {
    const token = this.#usable(now);
    const dueMs =
      token && token !== this.#rejected
        ? Math.max(token.remainingMs(now) - token.bufferMs, untilMs(this.#lookAgain, now))
        : 0;
    return Math.max(dueMs, this.#gate.untilOpenMs(now));
  }

  #nextLookMs(): number {
    const now = readClock();
    return Math.min(
      this.#usable(now)?.remainingMs(now) ?? Number.POSITIVE_INFINITY,
      this.#mayAskByItself() ? this.#nextAskMs(now) : Number.POSITIVE_INFINITY,
    );
  }

  // --- the end ---------------------------------------------------------------------------------

  #resume(): void {
    if (!this.#signedOut) return;
    this.#signedOut = false;
    this.#look();
    this.#tell();
  }

  /** The visitor has left: nothing of them stays, in any tab. */
  signOut(): void {
    this.#tabs?.signOut();
    this.#leave();
  }

  #leave(): void {
    this.#signedOut = true;
    this.#emit({ type: 'signed-out' });
    this.end();
  }

  /** Ends what is under way and removes the token. A session may be watched again after its end. */
  end(): void {
    const flight = this.#flight;
    this.#flight = undefined;
    flight?.fail(gone());
    this.#drop();
    this.#latest = undefined;
    this.#error = null;
    this.#roundHasFailed = false;
    const query = this.#client.getQueryCache().get(this.#options.queryHash);
    if (query && query.getObserversCount() === 0) this.#client.getQueryCache().remove(query);
    this.#tell();
  }

  /** Nobody watches, but the client lives on: a request may finish, a pause is not worth keeping. */
  rest(): void {
    if (!this.#flight?.pause) return;
    this.#flight.fail(gone());
    this.#flight = undefined;
  }
}

export function gone(): GuestTokenError {
  return new GuestTokenError('aborted', 'The visitor is gone.');
}

let warned = false;

function warnOfShortLife({ lifeMs, bufferMs }: GuestToken): void {
  if (warned || process.env.NODE_ENV === 'production') return;
  warned = true;
  console.warn(
    `react-guest-token: expiryBufferMs is more than a fifth of a token's life (${lifeMs} ms); ${bufferMs} ms are used.`,
  );
}
