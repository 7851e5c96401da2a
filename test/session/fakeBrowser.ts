// What tabs need of their browser, on fake time.

/** BroadcastChannel on fake time: messages arrive in a task of their own, cloned. */
export class FakeChannel {
  static readonly open = new Set<FakeChannel>();
  onmessage: ((event: MessageEvent) => void) | null = null;

  constructor() {
    FakeChannel.open.add(this);
  }

  postMessage(message: unknown): void {
    const data: unknown = structuredClone(message);
    for (const other of FakeChannel.open) {
      if (other !== this)
        setTimeout(() => other.onmessage?.(new MessageEvent('message', { data })));
    }
  }

  close(): void {
    FakeChannel.open.delete(this);
  }
}

/** `navigator.locks` of one browser, with exclusive locks only. */
export class FakeLocks {
  readonly #queues = new Map<string, (() => void)[]>();
  /** How many locks are held now. */
  held = 0;

  async request(
    name: string,
    { signal }: { readonly signal: AbortSignal },
    callback: () => Promise<void>,
  ): Promise<void> {
    signal.throwIfAborted();
    const queue = this.#queues.get(name);
    if (queue) await this.#wait(queue, signal);
    else this.#queues.set(name, []);
    this.held++;
    try {
      await callback();
    } finally {
      this.held--;
      const next = this.#queues.get(name)?.shift();
      if (next) next();
      else this.#queues.delete(name);
    }
  }

  /** Resolves once the lock is granted; after that an abort takes nothing back. */
  #wait(queue: (() => void)[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      queue.push(resolve);
      signal.addEventListener('abort', () => {
        const index = queue.indexOf(resolve);
        if (index < 0) return;
        queue.splice(index, 1);
        reject(signal.reason);
      });
    });
  }
}
