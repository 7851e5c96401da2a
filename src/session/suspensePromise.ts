import type { SessionStore } from './store.ts';

/**
 * What components that are suspended wait for: the same promise for all of them, until there is
 * something to show or to try again.
 */
export class SuspensePromise {
  #pending: Promise<void> | undefined;
  #resolve: () => void = () => undefined;

  constructor(store: SessionStore) {
    store.subscribe(() => {
      const { held, acquisition, isSignedOut } = store.state;
      if (held || !(acquisition || isSignedOut)) this.#settle();
    });
  }

  get pending(): Promise<void> {
    this.#pending ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#pending;
  }

  #settle(): void {
    this.#pending = undefined;
    this.#resolve();
  }
}
