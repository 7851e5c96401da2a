/** What components that are suspended wait for: the same promise until it settles, then a new one. */
export class SuspensePromise {
  #pending: Promise<void> | undefined;
  #resolve: () => void = () => undefined;

  get pending(): Promise<void> {
    this.#pending ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#pending;
  }

  settle(): void {
    this.#pending = undefined;
    this.#resolve();
  }
}
