import type { GuestToken } from '../core/guestToken.ts';
import { asRecord } from '../core/json.ts';
import { sleep, withTimeout } from '../core/waits.ts';
import { shareToken } from './sharedToken.ts';

/** A tab that has a token answers within a few ms; a busy machine gets some more. */
const ASK_MS = 75;

/** A holder that is frozen or very slow does not hold up the other tabs for longer. */
const LOCK_MS = 2_000;

type TabMessage =
  /** A tab needs a token: whoever has one, tell it. */
  'ask' | 'token' | 'signed-in' | 'signed-out';

/** What comes in may come from anybody: neither is what it seems until it is checked. */
type OnTabMessage = (type: unknown, token: unknown) => void;

/**
 * The tabs of one identity. Nothing here is needed for a valid token: every failure, absence or
 * silence of the other tabs ends in asking the source.
 */
export class TabChannel {
  readonly #name: string;
  readonly #onMessage: OnTabMessage;
  #channel: BroadcastChannel | undefined;

  constructor(name: string, onMessage: OnTabMessage) {
    this.#name = name;
    this.#onMessage = onMessage;
  }

  open(): void {
    try {
      this.#channel ??= Object.assign(new BroadcastChannel(this.#name), {
        onmessage: ({ data }: MessageEvent) => {
          const { type, token } = asRecord(data);
          this.#onMessage(type, token);
        },
      });
    } catch {} // there are no channels, or the origin is opaque
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  tell(type: TabMessage, token?: GuestToken): void {
    this.#channel?.postMessage({ type, token: token && shareToken(token) });
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
    this.open();
    const release = await this.#lock(signal);
    try {
      if (ask) {
        this.tell('ask');
        await sleep(ASK_MS, signal);
      }
      return await work();
    } finally {
      release?.();
    }
  }

  /** The lock's release; undefined where it could not be had in time, or at all. */
  #lock(signal: AbortSignal): Promise<(() => void) | undefined> {
    return withTimeout(LOCK_MS, signal, 'The lock', (patience) => {
      return new Promise<() => void>((resolve, reject) => {
        const held = () => new Promise<void>((release) => resolve(release));
        navigator.locks.request(this.#name, { signal: patience }, held).catch(reject);
      });
    }).catch(() => undefined);
  }
}
