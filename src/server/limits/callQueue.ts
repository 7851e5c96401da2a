import { timerDelayMs } from '../../core/expiry.ts';
import { type CallWindow, createCallWindow, type Room } from './callWindow.ts';
import type { SharedCallWindow } from './sharedCallWindow.ts';

/** A call that waits for its turn. */
export interface Waiter {
  readonly who: string;
  /** Of work that has begun: it goes first. */
  readonly isFurther: boolean;
  /** Its turn has come; `end` is to be called when the call has ended. */
  admit(end: () => void): void;
  /** There is no room in time; `nextMs`: when there may be. */
  refuse(nextMs: number): void;
}

interface Queued extends Waiter {
  timer?: ReturnType<typeof setTimeout>;
}

interface QueueOptions {
  /** Calls in any 60 s. */
  readonly limit: number;
  readonly maxWaitMs: number;
  /** The calls of all machines; undefined where there is one. */
  readonly shared: SharedCallWindow | undefined;
  /** Told how many wait, whenever that changes; calls that go at once do not count. */
  readonly onWaiting: (count: number) => void;
}

/**
 * Lets calls through at once while there is room, then whoever has had the fewest of late first. One
 * who asks for many gets as many as are left free, so that there is room for the next.
 */
export function createCallQueue({
  limit,
  maxWaitMs,
  shared,
  onWaiting,
}: QueueOptions): (waiter: Waiter) => void {
  const own = createCallWindow();
  const queue = new Set<Queued>();
  let isServing = false;
  let hasNews = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting = 0;

  function countWaiting(): void {
    if (waiting === queue.size) return;
    waiting = queue.size;
    onWaiting(waiting);
  }

  async function serve(): Promise<void> {
    hasNews = true;
    if (isServing) return;
    isServing = true;
    clearTimeout(timer);
    for (let next = lightest(queue, own); next; next = lightest(queue, own)) {
      hasNews = false;
      const result = await add(next);
      if (typeof result === 'function') {
        // Whoever was refused meanwhile leaves the place to the next one.
        admit(queue.has(next) ? next : lightest(queue, own), result);
      } else if (!hasNews) {
        keepWaiting(result);
        break;
      }
    }
    isServing = false;
  }

  async function add({ who, isFurther }: Queued): Promise<(() => void) | Room> {
    const counted = own.count();
    const spare = isFurther ? 0 : own.countOf(who);
    const isFull = (): boolean => counted + spare >= (shared?.ownLimit() ?? limit);
    if (isFull()) return own.room(maxWaitMs);
    const result = await shared?.add(spare, maxWaitMs);
    if (typeof result === 'object') return result;
    // Redis may be away since a moment ago.
    if (isFull()) return own.room(maxWaitMs);
    const end = own.add(who);
    return () => {
      end();
      result?.();
    };
  }

  function admit(waiter: Queued | undefined, end: () => void): void {
    if (waiter) {
      leave(waiter);
      waiter.admit(end);
    } else end();
  }

  function keepWaiting({ nextMs, places }: Room): void {
    // No more than can have their turn in time.
    while (queue.size > places) refuse(heaviest(queue, own), nextMs);
    for (const waiter of queue) {
      waiter.timer ??= setTimeout(() => refuse(waiter, nextMs), timerDelayMs(maxWaitMs));
    }
    if (queue.size > 0) timer = setTimeout(serve, timerDelayMs(Math.max(1, nextMs)));
    countWaiting();
  }

  function refuse(waiter: Queued | undefined, nextMs: number): void {
    if (!waiter) return;
    leave(waiter);
    waiter.refuse(nextMs);
  }

  function leave(waiter: Queued): void {
    queue.delete(waiter);
    clearTimeout(waiter.timer);
    if (waiting > 0) countWaiting();
  }

  return (waiter) => {
    queue.add({ ...waiter });
    void serve();
  };
}

/** Of the one who has had the fewest calls of late, the oldest. */
function lightest(queue: Iterable<Queued>, calls: CallWindow): Queued | undefined {
  let found: Queued | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const waiter of queue) {
    const count = waiter.isFurther ? -1 : calls.countOf(waiter.who);
    if (count >= fewest) continue;
    fewest = count;
    found = waiter;
  }
  return found;
}

/** Of the one who has had and wants the most calls, the newest. */
function heaviest(queue: Iterable<Queued>, calls: CallWindow): Queued | undefined {
  const wanted = new Map<string, number>();
  for (const { who } of queue) wanted.set(who, (wanted.get(who) ?? 0) + 1);
  let found: Queued | undefined;
  let most = -1;
  for (const waiter of queue) {
    const count = waiter.isFurther ? 0 : calls.countOf(waiter.who) + (wanted.get(waiter.who) ?? 0);
    if (count < most) continue;
    most = count;
    found = waiter;
  }
  return found;
}
