import type { GuestToken } from '../core/guestToken.ts';
import { receiveToken, shareToken } from './sharedToken.ts';

/**
 * Keeps one identity's token in sessionStorage, over the page loads of a multi-page site. Storage
 * that is full, blocked or corrupt is as good as none.
 */
export class TokenStorage {
  readonly #key: string;
  readonly #onFailure: () => void;

  constructor(identity: string, onFailure: () => void) {
    this.#key = `react-guest-token:${identity}`;
    this.#onFailure = onFailure;
  }

  read(expiryBufferMs: number): GuestToken | undefined {
    return this.#attempt((storage) => {
      const text = storage.getItem(this.#key);
      return text === null ? undefined : receiveToken(JSON.parse(text), expiryBufferMs);
    });
  }

  write(token: GuestToken): void {
    this.#attempt((storage) => storage.setItem(this.#key, JSON.stringify(shareToken(token))));
  }

  clear(): void {
    this.#attempt((storage) => storage.removeItem(this.#key));
  }

  #attempt<Result>(work: (storage: Storage) => Result): Result | undefined {
    // on a server there is none, which is no failure
    if (typeof document === 'undefined') return undefined;
    try {
      return work(sessionStorage);
    } catch {
      this.#onFailure();
      return undefined;
    }
  }
}
