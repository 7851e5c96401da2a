import { readClock } from '../core/clock.ts';
import type { GuestToken } from '../core/guestToken.ts';
import { asRecord } from '../core/json.ts';
import { isNewer, receiveToken } from './sharedToken.ts';
import { usableToken } from './state.ts';
import { TokenStorage } from './storage.ts';
import type { SessionStore } from './store.ts';
import { Tabs } from './tabs.ts';

export interface SharingOptions {
  /** Names the identity. */
  readonly key: string;
  readonly store: SessionStore;
  /** What is under way is not needed, or not to be trusted, any more. */
  readonly onForeignToken: () => void;
  readonly onSignedIn: () => void;
  readonly onSignedOut: () => void;
}

/** The places that share a session's token: other tabs, and later pages of this one. */
export class Sharing {
  /** Undefined where the token stays in this tab. */
  readonly tabs: Tabs | undefined;
  readonly #storage: TokenStorage | undefined;
  readonly #options: SharingOptions;

  constructor(options: SharingOptions) {
    const { key, store } = options;
    const { settings } = store;
    this.#options = options;
    // Not on a server; nor in jsdom, where Node's channels would join unrelated tests.
    if (settings.shareAcrossTabs && 'isSecureContext' in globalThis) {
      this.tabs = new Tabs(key, (type, token) => this.#onMessage(type, token));
    }
    if (settings.storage === 'session' && globalThis.window) {
      this.#storage = new TokenStorage(key, () => store.emit({ type: 'storage-failed' }));
      const token = this.#storage.read(settings.expiryBufferMs);
      if (token) store.dispatch({ type: 'token-stored', token });
    }
  }

  /** A new token came from the source. */
  announce(token: GuestToken): void {
    this.#storage?.write(token);
    this.tabs?.tell('token', token);
  }

  /** Later pages of this tab do not get the token. */
  forget(): void {
    this.#storage?.write(undefined);
  }

  /** Nobody listens to the other tabs where no provider shows the session. */
  closeUnlessWatched(): void {
    if (!this.#options.store.state.isWatched) this.tabs?.close();
  }

  onPageEvent(event: Event): void {
    if (event.type === 'pagehide') this.#putAway();
    else if (event.type === 'pageshow') this.#bringBack('persisted' in event && !!event.persisted);
  }

  /** The page may go into the back/forward cache, or for good. */
  #putAway(): void {
    const token = usableToken(this.#options.store.state, readClock());
    // Once more, since what is left of it can be told now, whatever clock is set meanwhile.
    if (token) this.#storage?.write(token);
    this.tabs?.putAway();
  }

  /** @param isRestored from the back/forward cache, where no message of a sign-out could reach it */
  #bringBack(isRestored: boolean): void {
    const { store, onForeignToken } = this.#options;
    this.tabs?.bringBack();
    if (!isRestored) return;
    onForeignToken();
    store.dispatch({ type: 'page-restored' });
    const token = this.#confirmed();
    if (token) store.dispatch({ type: 'token-stored', token });
    else this.forget();
  }

  /** The token that is known to be the visitor's still. */
  #confirmed(): GuestToken | undefined {
    const { store } = this.#options;
    const stored = this.#storage?.read(store.settings.expiryBufferMs);
    const isKnown = stored?.value === store.state.latest?.value;
    // Where another tab may have signed the visitor out, only a later page of this tab proves otherwise.
    return this.tabs && isKnown ? undefined : stored;
  }

  #onMessage(type: unknown, shared: unknown): void {
    const { store, onSignedIn, onSignedOut } = this.#options;
    const mine = usableToken(store.state, readClock());
    if (type === 'signed-in') onSignedIn();
    if (type === 'signed-out') onSignedOut();
    if (type === 'token') this.#onToken(shared, mine);
    if (type !== 'ask' || !mine) return;
    const theirs = receiveToken(shared, store.settings.expiryBufferMs);
    if (!theirs || isNewer(mine, theirs)) this.tabs?.answer(mine);
  }

  #onToken(shared: unknown, mine: GuestToken | undefined): void {
    const { store, onForeignToken } = this.#options;
    const { isSignedOut, isUnconfirmed, latest } = store.state;
    // A tab that has not heard of the sign-out yet must not undo it.
    if (isSignedOut) return;
    const isKnown = latest !== undefined && asRecord(shared).token === latest.value;
    if (isKnown && !isUnconfirmed) return;
    const token = isKnown ? latest : receiveToken(shared, store.settings.expiryBufferMs);
    if (!token || (mine && !isNewer(token, mine))) return;
    store.dispatch({ type: 'token-shared', token });
    this.#storage?.write(token);
    onForeignToken();
  }
}
