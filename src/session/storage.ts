import type { GuestToken } from '../core/guestToken.ts';
import { receiveToken, shareToken } from './sharedToken.ts';

/**
 * Keeps one identity's token in sessionStorage, over the page loads of a multi-page site. Storage
 * that is full, blocked or corrupt is as good as none.
 */
export class TokenStorage {
  readonly #key: string;
  readonly #onFailure: () => void;

  constructor(key: string, onFailure: () => void) {
    this.#key = key;
    this.#onFailure = onFailure;
  }

  read(expiryBufferMs: number): GuestToken | undefined {
    return this.#attempt((storage) => {
      const text = storage.getItem(this.#key);
      return receiveToken(text && JSON.parse(text), expiryBufferMs);
    });
  }

  /** Without a token: removes it. */
  write(token: GuestToken | undefined): void {
    this.#attempt((storage) => {
      if (token) storage.setItem(this.#key, JSON.stringify(shareToken(token)));
      else storage.removeItem(this.#key);
    });
  }

  #attempt<Result>(work: (storage: Storage) => Result): Result | undefined {
    try {
      return work(sessionStorage);
    } catch {
      // Later, since a session may be made while React renders.
      queueMicrotask(this.#onFailure);
      return undefined;
    }
  }
}
