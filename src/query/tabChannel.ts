import { asRecord, type GuestToken } from '../core/guestToken.ts';
import { sleep } from '../core/sleep.ts';
import { type SharedToken, shareToken } from './sharedToken.ts';

/** A tab that has a token answers within a few ms; a busy machine gets some more. */
const ASK_MS = 75;

/** A holder that is frozen or very slow does not hold up the other tabs for longer. */
const LOCK_MS = 2_000;

type TabMessage =
  /** A tab needs a token: whoever has one, answer. */
  | { readonly type: 'ask' }
  | { readonly type: 'token'; readonly token: SharedToken }
  | { readonly type: 'signed-in' }
  | { readonly type: 'signed-out' };

interface TabChannelHandlers {
  /** The token that this tab can give away. */
  token(): GuestToken | undefined;
  /** A token, not yet looked at, has come from another tab. */
  onToken(shared: unknown): void;
  onSignIn(): void;
  onSignOut(): void;
}

/**
 * The tabs of one identity. Nothing here is needed for a valid token: every failure, absence or
 * silence of the other tabs ends in asking the source.
 *
 * @returns undefined where there are no tabs: on a server, and in jsdom, where Node's channels would
 *   join tests that have nothing to do with each other
 */
export function openTabChannel(
  identity: string,
  handlers: TabChannelHandlers,
): TabChannel | undefined {
  const inBrowser =
    typeof document !== 'undefined' &&
    typeof BroadcastChannel === 'function' &&
    ('isSecureContext' in globalThis || navigator.locks !== undefined);
  return inBrowser ? new TabChannel(`react-guest-token:${identity}`, handlers) : undefined;
}

export class TabChannel {
  readonly #name: string;
  readonly #handlers: TabChannelHandlers;
  #channel: BroadcastChannel | undefined;

  constructor(name: string, handlers: TabChannelHandlers) {
    this.#name = name;
    this.#handlers = handlers;
  }

  open(): void {
    if (this.#channel) return;
    try {
      this.#channel = new BroadcastChannel(this.#name);
    } catch {
      return; // an opaque origin, for one
    }
    this.#channel.onmessage = ({ data }) => this.#receive(data);
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  announce(token: GuestToken): void {
    this.#post({ type: 'token', token: shareToken(token) });
  }

  signIn(): void {
    this.#post({ type: 'signed-in' });
  }

  signOut(): void {
    this.#post({ type: 'signed-out' });
  }

  /**
   * Runs `work` such that, as a rule, only one tab does.
   *
   * @param signal aborts when a token has come from another tab
   * @param ask whether the others' token will do
   */
  async exclusively<Result>(
    signal: AbortSignal,
    ask: boolean,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const wasOpen = this.#channel !== undefined;
    this.open();
    const release = await this.#lock(signal);
    try {
      if (ask && this.#post({ type: 'ask' })) await sleep(ASK_MS, signal);
      return await work();
    } finally {
      release?.();
      if (!wasOpen) this.close();
    }
  }

  /** The lock's release; undefined where it could not be had in time, or at all. */
  async #lock(signal: AbortSignal): Promise<(() => void) | undefined> {
    const { locks } = navigator;
    if (!locks) return undefined;
    const patience = new AbortController();
    const giveUp = (): void => patience.abort();
    const timer = setTimeout(giveUp, LOCK_MS);
    signal.addEventListener('abort', giveUp);
    try {
      return await new Promise((resolve, reject) => {
        locks
          .request(this.#name, { signal: patience.signal }, () => {
            return new Promise<void>((release) => resolve(release));
          })
          .catch(reject);
      });
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  #post(message: TabMessage): boolean {
    try {
      this.#channel?.postMessage(message);
      return this.#channel !== undefined;
    } catch {
      return false;
    }
  }

  /** What comes in is checked like anything from the network. */
  #receive(data: unknown): void {
    const { type, token } = asRecord(data);
    switch (type) {
      case 'ask': {
        const mine = this.#handlers.token();
        if (mine) this.announce(mine);
        break;
      }
      case 'token':
        this.#handlers.onToken(token);
        break;
      case 'signed-in':
        this.#handlers.onSignIn();
        break;
      case 'signed-out':
        this.#handlers.onSignOut();
        break;
    }
  }
}
