import type { QueryClient, QueryOptions } from '@tanstack/react-query';
import { acquire } from '../core/acquire.ts';
import { toGuestTokenError } from '../core/classify.ts';
import { type Instant, readClock } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';
import { type GuestTokenEventDetail, identityHash } from '../core/events.ts';
import { NOTABLE_SKEW_MS } from '../core/expiry.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { readSuccessor } from '../core/successor.ts';
import { ATTEMPT_TIMEOUT_MS } from '../core/tokenSource.ts';
import { unlessAborted, withTimeout } from '../core/waits.ts';
import type {
  CheckedConfig,
  GuestTokenQueryKey,
  GuestTokenSettings,
} from './guestTokenSettings.ts';
import type { GuestTokenState } from './guestTokenState.ts';
import { pageClient } from './pageClient.ts';
import { isOnline, isVisible, type RefreshTimer, startRefreshTimer } from './refreshTimer.ts';
import { RequestGate } from './requestGate.ts';
import { isNewer, receiveToken } from './sharedToken.ts';
import { TabChannel } from './tabChannel.ts';
import { TokenStorage } from './tokenStorage.ts';

export type TokenQueryOptions = QueryOptions<
  GuestToken,
  GuestTokenError,
  GuestToken,
  GuestTokenQueryKey
> & { queryKey: GuestTokenQueryKey; queryHash: string };

/** For a token that is handed back again and again the source is not asked more often. */
const MIN_LOOK_AGAIN_MS = 2_000;

/**
 * The life of one identity's token: acquires it, keeps it fresh while somebody watches, replaces it
 * when refused, ends it. The query of its QueryClient shows what it does.
 */
export class GuestTokenSession {
  /** It was ended and nobody watches: whoever asks for it gets a new one. */
  isOver = false;
  readonly #client: QueryClient;
  readonly #options: TokenQueryOptions;
  readonly #externalId: string;
  readonly #identity: string;
  readonly #listeners = new Set<() => void>();
  readonly #tabs: TabChannel | undefined;
  readonly #storage: TokenStorage | undefined;
  #settings: CheckedConfig;
  #gate = new RequestGate();
  #token: GuestToken | undefined;
  /** The latest token, kept when it is over: to recognise it when a source hands it back. */
  #latest: GuestToken | undefined;
  /** The token in hand, where a server has refused it. */
  #rejected: GuestToken | undefined;
  /** Ms before its end at which the token is to be replaced. */
  #bufferMs = 0;
  /** The round of requests that is under way, for any number of callers. */
  #flight: Promise<GuestToken> | undefined;
  /** Ends it. Whoever waits gets the token in hand then, or the reason where there is none. */
  #round = new AbortController();
  #error: GuestTokenError | null = null;
  #roundHasFailed = false;
  #signedOut = false;
  #watchers = 0;
  #timer: RefreshTimer | undefined;

  constructor(client: QueryClient, options: TokenQueryOptions, settings: GuestTokenSettings) {
    const { queryHash } = options;
    this.#client = client;
    this.#options = options;
    this.#settings = settings;
    this.#externalId = settings.externalId;
    this.#identity = identityHash(queryHash);
    // Not on a server; nor in jsdom, where Node's channels would join tests that have nothing to do
    // with each other.
    if (settings.shareAcrossTabs && 'isSecureContext' in globalThis) {
      this.#tabs = new TabChannel(queryHash, (type, token) => this.#onTabMessage(type, token));
    }
    if (settings.storage === 'session' && globalThis.window) {
      this.#storage = new TokenStorage(queryHash, () => this.#emit({ type: 'storage-failed' }));
      this.#keep(this.#storage.read(settings.expiryBufferMs));
    }
  }

  /** Takes over the latest settings of its provider; none of them changes who the token is for. */
  configure(settings: CheckedConfig): void {
    this.#settings = settings;
    // Later, since React allows no updates while it commits.
    queueMicrotask(() => this.#look());
  }

  // --- what others see -------------------------------------------------------------------------

  /** The state as of now. */
  read(): GuestTokenState {
    const token = this.#usable();
    const { value, visitorId, expiresAtMs } = token ?? {};
    const failed = this.#roundHasFailed ? 'error' : 'pending';
    // That these go together is what this class is for; the compiler can't see it.
    return {
      status: token ? 'success' : this.#signedOut ? 'idle' : failed,
      token: value,
      visitorId,
      expiresAtMs,
      error: this.#error,
      retryAtMs: isOnline() ? this.#gate.opensAtMs : undefined,
      isRefreshing: this.#flight !== undefined,
    } as GuestTokenState;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tell(): void {
    for (const listener of this.#listeners) listener();
    this.#timer?.rearm();
  }

  #emit(detail: GuestTokenEventDetail): void {
    try {
      this.#settings.onEvent({ ...detail, atMs: Date.now(), identity: this.#identity });
    } catch (error) {
      // A listener's mistake is its own: shown as such, it must not cost the token.
      globalThis.reportError?.(error);
    }
  }

  // --- what callers ask for --------------------------------------------------------------------

  /** A token that is valid now: the one in hand at once, renewed behind it when it is due. */
  async getToken(): Promise<GuestToken> {
    const token = this.#lendable();
    const isDue = this.#untilDueMs <= 0;
    if (token) {
      if (isDue) this.#start();
      return token;
    }
    if (this.#signedOut) throw gone();
    if (!this.#flight && !isDue && this.#error) throw this.#error;
    return this.#start();
  }

  /** A new token now, whatever pause is on. */
  refresh(): Promise<GuestToken> {
    this.#signedOut = false;
    this.#hurry(true);
    return this.#start(true);
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
    if (!this.#gate.mayReplace) return false;
    this.#rejected = token;
    this.#storage?.write(undefined);
    this.#emit({ type: 'rejected' });
    this.#start();
    return true;
  }

  /** A call was refused with the replacement, too: no replacements for a while. */
  rejectReplacement(): false {
    this.#gate.replacementRefused();
    return false;
  }

  /** For a component that can't render without a token: asks, and resolves when the round is over. */
  settled(): Promise<void> {
    // Only a reset error boundary renders on after an error; that is a person's wish.
    if (!this.#flight) this.#hurry(true);
    return this.#start().then(nothing, nothing);
  }

  /** Ends a pause; offline there is nothing to hurry for. */
  #hurry(byHand: boolean): void {
    if (isOnline()) this.#gate.open(byHand);
  }

  // --- one round -------------------------------------------------------------------------------

  #start(byHand = false): Promise<GuestToken> {
    if (!this.#flight) {
      this.#round = new AbortController();
      this.#flight = this.#fly(this.#round.signal, byHand);
      this.#flight.catch(nothing); // nobody has to wait for it
      // Shows a first round in the query, whose function joins it.
      this.#query.fetch(this.#options).catch(nothing);
    }
    return this.#flight;
  }

  async #fly(signal: AbortSignal, byHand: boolean): Promise<GuestToken> {
    const work = (): Promise<GuestToken> => this.#acquire(signal, byHand);
    // Later, since a component that can't render without a token starts this while it renders.
    await undefined;
    this.#tell();
    try {
      const token = await unlessAborted(signal, () =>
        this.#tabs ? this.#tabs.exclusively(signal, !byHand, work) : work(),
      );
      this.#flight = undefined;
      if (token === this.#token) {
        // Handed back while it has life: no error, but its end is nearer now.
        const leftMs = token.remainingMs();
        this.#bufferMs = Math.min(leftMs / 2, leftMs - MIN_LOOK_AGAIN_MS);
        this.#settle();
      } else {
        this.#keep(token);
        this.#tabs?.tell('token', token);
      }
      return token;
    } catch (thrown) {
      const token = this.#usable();
      if (signal.aborted) {
        // Somebody has ended it; who waits gets what came from elsewhere.
        if (token) return token;
        throw thrown;
      }
      this.#flight = undefined;
      this.#error = toGuestTokenError(thrown);
      this.#roundHasFailed = true;
      this.#gate.failed(this.#error);
      this.#emit({ type: 'failed', code: this.#error.code, retryAtMs: this.read().retryAtMs });
      throw this.#error;
    } finally {
      this.#closeTabs();
      this.#tell();
    }
  }

  #acquire(signal: AbortSignal, byHand: boolean): Promise<GuestToken> {
    const { source, retry, channelId, attributes } = this.#settings;
    // A source that handed out what was over has to be asked for something else.
    const fresh = byHand || !!this.#latest || this.#error?.code === 'no_progress';
    return acquire(
      retry,
      async (attempt) => {
        if (!isOnline()) await this.#pause(ATTEMPT_TIMEOUT_MS, offline(), signal);
        signal.throwIfAborted();
        if (!isOnline()) throw offline();
        this.#gate.count();
        this.#emit({ type: 'acquiring', attempt, fresh });
      },
      async (attempt, refused) => {
        const requestedAt = readClock();
        const request = { externalId: this.#externalId, channelId, attributes, fresh };
        const reply = await withTimeout(ATTEMPT_TIMEOUT_MS, signal, 'The source', (limited) =>
          source(request, { signal: limited, refused }),
        );
        return this.#read(reply, requestedAt, attempt);
      },
      async (attempt, error, delayMs) => {
        this.#emit({ type: 'retrying', attempt, delayMs, code: error.code });
        await this.#pause(delayMs, error, signal);
      },
    );
  }

  async #pause(delayMs: number, error: GuestTokenError, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted(); // nobody would end it
    this.#error = error;
    const over = this.#gate.wait(delayMs, error);
    this.#tell();
    await over;
    this.#tell();
  }

  #read(reply: unknown, requestedAt: Instant, attempt: number): GuestToken {
    const before = this.#latest;
    const options = { ...this.#settings, requestedAt };
    const token = readSuccessor(reply, before, before === this.#rejected, options);
    if (token !== before) {
      const { expiresAtMs, lifeMs, clockSkewMs: skewMs } = token;
      if (Math.abs(skewMs - (before?.clockSkewMs ?? 0)) >= NOTABLE_SKEW_MS) {
        this.#emit({ type: 'clock-skew', skewMs });
      }
      if (token.expirySource === 'fallback') this.#emit({ type: 'fallback-expiry', expiresAtMs });
      warnOfShortLife(token, options.expiryBufferMs);
      this.#emit({ type: 'acquired', attempt, lifeMs, expiresAtMs });
    }
    return token;
  }

  // --- the token in hand -----------------------------------------------------------------------

  get #query() {
    return this.#client.getQueryCache().build(this.#client, this.#options);
  }

  #usable(): GuestToken | undefined {
    return this.#token?.isExpired() ? undefined : this.#token;
  }

  /** The token that can be handed out. */
  #lendable(): GuestToken | undefined {
    const token = this.#usable();
    return token === this.#rejected ? undefined : token;
  }

  #keep(token: GuestToken | undefined): void {
    if (!token) return;
    this.#token = this.#latest = token;
    this.#bufferMs = token.bufferMs;
    this.#query.setData(token, { manual: true });
    this.#storage?.write(token);
    this.#settle();
  }

  #settle(): void {
    this.#rejected = undefined;
    this.#error = null;
    this.#roundHasFailed = false;
    this.#gate.succeeded();
  }

  #drop(): void {
    this.#token = this.#rejected = undefined;
    this.#query.setState({ data: undefined, dataUpdatedAt: 0, status: 'pending' });
  }

  #onTabMessage(type: unknown, shared: unknown): void {
    const mine = this.#lendable();
    if (type === 'ask' && mine) this.#tabs?.tell('token', mine);
    if (type === 'signed-in') this.#resume();
    if (type === 'signed-out') this.#leave();
    if (type !== 'token') return;
    const token = receiveToken(shared, this.#settings.expiryBufferMs);
    // A tab that has not heard of the sign-out yet must not undo it.
    if (!token || this.#signedOut || token.value === this.#latest?.value) return;
    // An older one never replaces a newer one.
    if (mine && !isNewer(token, mine)) return;
    this.#keep(token);
    this.#emit({ type: 'shared', expiresAtMs: token.expiresAtMs });
    this.#endFlight();
    this.#tell();
  }

  /** Ends what is under way: who waits gets the token in hand, where there is one. */
  #endFlight(): void {
    if (!this.#flight) return;
    this.#round.abort(gone());
    this.#flight = undefined;
    this.#gate.open(true); // it may be in a pause
  }

  // --- time ------------------------------------------------------------------------------------

  /**
   * Keeps the token fresh for as long as somebody watches.
   *
   * @param isGone asked when nobody watches any more: whether the visitor is gone as well
   * @returns stops watching; it takes effect in a microtask, since StrictMode watches twice
   */
  watch(isGone: () => boolean): () => void {
    this.isOver = false;
    this.#watchers++;
    this.#tabs?.open();
    this.#timer ??= startRefreshTimer(
      () => this.#untilLookMs,
      (event) => this.#onWakeUp(event),
    );
    // Whoever shows this identity vouches that the visitor is here (again), for all tabs.
    this.#tabs?.tell('signed-in');
    this.#resume();
    this.#look();
    return () => {
      this.#watchers--;
      queueMicrotask(() => {
        if (this.#watchers > 0 || !this.#timer) return;
        this.#timer.stop();
        this.#timer = undefined;
        const forGood = isGone();
        // A token lives as long as its client. The page's own belongs to the providers.
        if (forGood || this.#client === pageClient()) this.end(forGood);
        else this.#endFlight();
        this.#closeTabs();
      });
    };
  }

  #closeTabs(): void {
    if (this.#watchers === 0) this.#tabs?.close();
  }

  #onWakeUp(event?: string): void {
    // A page with an open channel can't enter the back/forward cache.
    if (event === 'pagehide') {
      this.#tabs?.close();
      return;
    }
    this.#tabs?.open();
    if (event === 'online' || (event === 'visibilitychange' && isVisible())) {
      this.#hurry(false);
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
    if (this.#mayAskByItself() && this.#untilDueMs <= 0) this.#start();
  }

  #mayAskByItself(): boolean {
    const { keepFresh } = this.#settings;
    const wanted = keepFresh === 'always' || (keepFresh === 'while-visible' && isVisible());
    // Offline it asks once, so that the error is there to be seen.
    const possible = isOnline() || !this.#error;
    return wanted && possible && this.#watchers > 0 && !this.#signedOut && !this.#flight;
  }

  /** Ms until a request is due that nobody has asked for. */
  get #untilDueMs(): number {
    const token = this.#lendable();
    const untilStaleMs = token ? token.remainingMs() - this.#bufferMs : 0;
    return Math.max(untilStaleMs, this.#gate.closedForMs);
  }

  get #untilLookMs(): number {
    return Math.min(
      this.#usable()?.remainingMs() ?? Number.POSITIVE_INFINITY,
      this.#mayAskByItself() ? this.#untilDueMs : Number.POSITIVE_INFINITY,
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
    this.#tabs?.tell('signed-out');
    this.#leave();
  }

  #leave(): void {
    this.#signedOut = true;
    this.#emit({ type: 'signed-out' });
    this.end(true);
  }

  /**
   * Ends what is under way and removes the token. A session may be watched again after its end.
   *
   * @param forGood the visitor is gone, so that the next page has no use for the token either
   */
  end(forGood: boolean): void {
    if (forGood) this.#storage?.write(undefined);
    this.isOver = this.#watchers === 0;
    this.#drop();
    this.#settle();
    this.#latest = undefined;
    this.#endFlight();
    this.#gate = new RequestGate();
    this.#client.getQueryCache().remove(this.#query);
    this.#tell();
  }
}

export function gone(): GuestTokenError {
  return new GuestTokenError('aborted', 'The visitor is gone.');
}

function offline(): GuestTokenError {
  return new GuestTokenError('unreachable', 'The page is offline.');
}

function nothing(): void {}

let warned = false;

function warnOfShortLife(token: GuestToken, wantedMs: number): void {
  try {
    if (process.env.NODE_ENV !== 'production' && !warned && token.bufferMs < wantedMs) {
      warned = true;
      console.warn(
        `react-guest-token: expiryBufferMs is cut to ${token.bufferMs} ms, a fifth of a token's life.`,
      );
    }
  } catch {} // a page that no bundler has made has no process
}
