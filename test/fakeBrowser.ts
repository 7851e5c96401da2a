// What several tabs need of their browser.

/** BroadcastChannel on fake time: messages arrive in a task of their own, cloned. */
export class FakeChannel extends EventTarget {
  static readonly open = new Set<FakeChannel>();
  readonly name: string;
  onmessage: ((event: MessageEvent) => void) | null = null;

  constructor(name: string) {
    super();
    this.name = name;
    this.addEventListener('message', (event) => this.onmessage?.(event as MessageEvent));
    FakeChannel.open.add(this);
  }

  /** Whether messages reach its page now. */
  get hears(): boolean {
    return true;
  }

  postMessage(message: unknown): void {
    const { open } = FakeChannel;
    if (!open.has(this)) throw new DOMException('The channel is closed.', 'InvalidStateError');
    for (const other of open) {
      if (other === this || other.name !== this.name || !other.hears) continue;
      const data: unknown = structuredClone(message);
      setTimeout(() => {
        if (open.has(other)) other.dispatchEvent(new MessageEvent('message', { data }));
      });
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
