import { vi } from 'vitest';
import type { GuestTokenReply, GuestTokenSource } from '../../src/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { failedAcquisition } from '../react/page.tsx';
import { allowConsole } from '../strays.ts';

export type Health = 'healthy' | '429' | '429 long' | '401' | '403' | '503' | 'dead' | 'repeats';
export type Network = 'up' | 'slow' | 'down' | 'offline';

export interface WorldOptions {
  /** What jitter is drawn from. */
  readonly chance: number;
  readonly lifeSeconds: number;
  /** Whether replies carry expires_in, or only the JWT's own times. */
  readonly expiresIn: boolean;
  /** How far the visitor's clock is ahead at the start. */
  readonly clockErrorMs: number;
}

// Each world later than the one before, so that no clock of the page has to run backwards.
let startMs = Date.UTC(2026, 10, 23, 8);

/**
 * The world around a widget: true time, a visitor's clock that may be wrong and jump, a page that is
 * hidden, frozen or asleep, a network, and a source of tokens with its moods. Timers and both of the
 * page's clocks are fake; nothing here waits for real.
 */
export class World {
  readonly #options: WorldOptions;
  readonly #ends = new Map<string, number>();
  readonly #requestsAtMs: number[] = [];
  #slept = 0;
  #startedAtMs: number;
  #serial = 0;
  #latest: GuestTokenReply | undefined;
  health: Health = 'healthy';
  network: Network = 'up';
  acquisitions = 0;
  failures = 0;
  inFlight = 0;
  mostInAMinute = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    allowConsole(failedAcquisition);
    startMs += 365 * 86_400_000;
    let chance = options.chance;
    vi.spyOn(Math, 'random').mockImplementation(() => {
      chance = (Math.imul(chance, 1664525) + 1013904223) >>> 0;
      return chance / 2 ** 32;
    });
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
      now: startMs + options.clockErrorMs,
    });
    this.#startedAtMs = startMs - performance.now();
  }

  /** True time; nobody on the page can read it. */
  get trueMs(): number {
    return this.#startedAtMs + performance.now() + this.#slept;
  }

  get requests(): number {
    return this.#requestsAtMs.length;
  }

  get isWell(): boolean {
    return this.health === 'healthy' && (this.network === 'up' || this.network === 'slow');
  }

  /** Whether a token has run out, by true time. */
  isOver(token: string): boolean {
    const endsAtMs = this.#ends.get(token);
    return endsAtMs === undefined || endsAtMs <= this.trueMs;
  }

  /** The machine sleeps or the page is frozen: time goes on, no timer runs, nobody is told. */
  sleep(ms: number): void {
    this.#slept += ms;
    vi.setSystemTime(Date.now() + ms);
  }

  /** Somebody sets the clock. */
  setClock(aheadByMs: number): void {
    vi.setSystemTime(this.trueMs + aheadByMs);
  }

  setNetwork(network: Network): void {
    const wasOnline = this.network !== 'offline';
    this.network = network;
    const online = network !== 'offline';
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(online);
    if (online !== wasOnline) window.dispatchEvent(new Event(online ? 'online' : 'offline'));
  }

  setVisible(visible: boolean): void {
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(visible ? 'visible' : 'hidden');
    document.dispatchEvent(new Event('visibilitychange'));
  }

  /** Lets `ms` pass, timer by timer, each with all that follows from it. */
  async pass(ms: number): Promise<void> {
    let over = false;
    const end = setTimeout(() => {
      over = true;
    }, ms);
    while (!over) {
      vi.advanceTimersToNextTimer();
      await this.settle();
    }
    clearTimeout(end);
  }

  /** Lets promises and React's synchronous updates run. */
  async settle(): Promise<void> {
    const turns = this.inFlight > 0 ? 60 : 20;
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  }

  readonly source: GuestTokenSource = async (_request, { signal }) => {
    this.#countRequest();
    this.inFlight++;
    try {
      await this.#travel(signal);
      return this.#answer();
    } catch (error) {
      this.failures++;
      throw error;
    } finally {
      this.inFlight--;
    }
  };

  #countRequest(): void {
    const now = this.trueMs;
    this.#requestsAtMs.push(now);
    const lastMinute = this.#requestsAtMs.filter((at) => now - at < 60_000);
    this.mostInAMinute = Math.max(this.mostInAMinute, lastMinute.length);
  }

  async #travel(signal: AbortSignal): Promise<void> {
    if (this.network === 'down' || this.network === 'offline')
      throw new TypeError('Failed to fetch');
    const tookMs = this.network === 'slow' ? 4_000 : 80;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, tookMs);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
  }

  #answer(): GuestTokenReply {
    switch (this.health) {
      case '429':
        throw new Response(null, { status: 429, headers: { 'Retry-After': '7' } });
      case '429 long':
        throw new Response(null, { status: 429, headers: { 'Retry-After': '240' } });
      case '401':
      case '403':
      case '503':
        throw new Response(null, { status: Number(this.health) });
      case 'dead':
        return this.#issue(-1);
      case 'repeats':
        return this.#handOutAgain();
      case 'healthy':
        return this.#issue(this.#options.lifeSeconds);
    }
  }

  /** A pool that hands out what it has; where nobody could tell, at least not what is over. */
  #handOutAgain(): GuestTokenReply {
    const latest = this.#latest;
    const endsAtMs = this.#ends.get(latest?.token ?? '') ?? 0;
    if (!latest) return this.#issue(this.#options.lifeSeconds);
    if (this.#options.expiresIn) return { ...latest, expires_in: (endsAtMs - this.trueMs) / 1000 };
    if (this.isOver(latest.token)) throw new Response(null, { status: 503 });
    return latest;
  }

  #issue(lifeSeconds: number): GuestTokenReply {
    const iat = Math.floor(this.trueMs / 1000);
    const exp = iat + lifeSeconds;
    const token = fakeGuestToken({ iat, exp, jti: this.#serial++ });
    // Without expires_in nothing finer than the JWT's whole seconds is known: iat was rounded down.
    this.#ends.set(token, (exp + (this.#options.expiresIn ? 0 : 1)) * 1000);
    const reply = {
      id: 'visitor-1',
      token,
      ...(this.#options.expiresIn && { expires_in: exp - this.trueMs / 1000 }),
    };
    if (lifeSeconds > 0) {
      this.acquisitions++;
      this.#latest = reply;
    }
    return reply;
  }
}
