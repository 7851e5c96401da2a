// The session behind a guest fetch, as far as a call needs one.
import type { GuestFetchSession } from '../../src/core/index.ts';

export interface FakeSession extends GuestFetchSession {
  /** Tokens that were got: one, and one more for each that was refused while it was the current one. */
  readonly acquisitions: number;
  /** What was told to be refused, in order. */
  readonly rejected: readonly string[];
  /** Has a new token now, for whatever reason. */
  renew(): void;
}

/** Hands out token-1, and the next one once that is refused, `delayMs` later. */
export function fakeSession({ delayMs = 0, replaces = true } = {}): FakeSession {
  let serial = 1;
  let renewal: Promise<void> | undefined;
  const rejected: string[] = [];
  const session = {
    rejected,
    get acquisitions() {
      return serial;
    },
    renew() {
      serial++;
    },
    async getToken({ signal }: { signal?: AbortSignal } = {}) {
      signal?.throwIfAborted();
      await renewal;
      signal?.throwIfAborted();
      return `token-${serial}`;
    },
    reject(token: string) {
      rejected.push(token);
      if (!replaces) return false;
      if (token === `token-${serial}` && !renewal) {
        renewal = new Promise<void>((resolve) => setTimeout(resolve, delayMs)).then(() => {
          renewal = undefined;
          serial++;
        });
      }
      return true;
    },
  };
  return session;
}
