import type { GuestToken } from '../core/guestToken.ts';
import { asRecord } from '../core/json.ts';
import { sleep, withTimeout } from '../core/waits.ts';
import { shareToken } from './sharedToken.ts';

/** A tab that has a token answers within a few ms; a busy machine gets some more. */
const ASK_MS = 75;

/** Where the tab that acquired the token is silent, one of the others answers within this. */
const MAX_ANSWER_DELAY_MS = 40;

/** A holder that is frozen or very slow does not hold up the other tabs for longer. */
const LOCK_MS = 2_000;

type TabMessage =
  /** A tab needs a token that is newer than the one it names: whoever has one, tell it. */
  | 'ask'
  | 'token'
  /** The tab that told the latest token is going: from now on everybody answers. */
  | 'left'
  | 'signed-in'
  | 'signed-out';

/** What comes in may come from anybody: neither is what it seems until it is checked. */
type OnTabMessage = (type: unknown, token: unknown) => void;

/**
 * The tabs of one identity. Nothing here is needed for a valid token: every failure, absence or
 * silence of the other tabs ends in asking the source.
 */
export class Tabs {
  readonly #name: string;
  readonly #onMessage: OnTabMessage;
  #channel: BroadcastChannel | undefined;
  #isPutAway = false;
  /** Ours is the tab that answers at once, so that a question has one answer and not one per tab. */
  #answersAtOnce = true;
  #answer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, onMessage: OnTabMessage) {
    this.#name = name;
    this.#onMessage = onMessage;
  }

  open(): void {
    // A message would evict a page with an open channel from the back/forward cache.
    if (this.#isPutAway) return;
    try {
      this.#channel ??= Object.assign(new BroadcastChannel(this.#name), {
        onmessage: ({ data }: MessageEvent) => {
          const { type, token } = asRecord(data);
          if (type === 'token' || type === 'left') {
            clearTimeout(this.#answer);
            this.#answersAtOnce = type === 'left';
          }
          this.#onMessage(type, token);
        },
      });
    } catch {} // there are no channels, or the origin is opaque
  }

  close(): void {
    clearTimeout(this.#answer);
    if (this.#answersAtOnce) this.tell('left');
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** The page may go into the back/forward cache. */
  putAway(): void {
    this.close();
    this.#isPutAway = true;
  }

  bringBack(): void {
    this.#isPutAway = false;
    this.open();
  }

  tell(type: TabMessage, token?: GuestToken): void {
    if (type === 'token') this.#answersAtOnce = true;
    this.#channel?.postMessage({ type, token: token && shareToken(token) });
  }

  /** Tells a tab that asked; at once or, where another tab should, unless that one does. */
  answer(token: GuestToken): void {
    clearTimeout(this.#answer);
    if (this.#answersAtOnce) this.tell('token', token);
    else {
      const delayMs = MAX_ANSWER_DELAY_MS * (0.25 + 0.75 * Math.random());
      this.#answer = setTimeout(() => this.tell('token', token), delayMs);
    }
  }

  /**
   * Runs `work` such that, as a rule, only one tab does.
   *
   * @param signal aborts when a token has come from another tab
   * @param mayShare whether a token of the others will do
   * @param than it has to be newer than this one
   */
  async exclusively<Result>(
    signal: AbortSignal,
    mayShare: boolean,
    than: GuestToken | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    this.open();
    const release = await this.#lock(signal);
    try {
      signal.throwIfAborted(); // the others' answers would be for nobody
      if (mayShare) {
        this.tell('ask', than);
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
        const hold = (): Promise<void> =>
          new Promise((release) => {
            // Granted just as the wait ended: nobody is left to release it.
            if (patience.aborted) release();
            else resolve(release);
          });
        navigator.locks.request(this.#name, { signal: patience }, hold).catch(reject);
      });
    }).catch(() => undefined);
  }
}
