import { timerDelayMs } from '../../core/expiry.ts';
import type { CallPlaces } from './callPlaces.ts';
import type { Room } from './callWindow.ts';

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
  readonly places: CallPlaces;
  readonly maxWaitMs: number;
  /** How many may wait. */
  readonly maxLength: number;
  /** Told how many wait, whenever that changes; calls that go at once do not count. */
  readonly onWaiting: (count: number) => void;
}

/**
 * Lets calls through at once while there are places, then whoever has had the fewest of late first;
 * of too many who wait, those of whoever wants the most are refused.
 */
export function createCallQueue(options: QueueOptions): (waiter: Waiter) => void {
  const { places, maxWaitMs, maxLength, onWaiting } = options;
  const queue = new Set<Queued>();
  let isServing = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting = 0;

  function countWaiting(): void {
    if (waiting === queue.size) return;
    waiting = queue.size;
    onWaiting(waiting);
  }

  async function serve(): Promise<void> {
    if (isServing) return;
    isServing = true;
    clearTimeout(timer);
    for (let next = lightest(queue, places); next; ) {
      const result = await places.take(next.who, next.isFurther);
      const lighter = lightest(queue, places);
      if (typeof result === 'function') {
        // Whoever was refused meanwhile leaves the place to the next one.
        admit(queue.has(next) ? next : lighter, result);
        next = lightest(queue, places);
      } else {
        keepWaiting(result);
        // Somebody came meanwhile for whom there may be a place.
        const isLighter = lighter && weightOf(lighter, places) < weightOf(next, places);
        next = isLighter && queue.has(lighter) ? lighter : undefined;
      }
    }
    isServing = false;
  }

  function admit(waiter: Queued | undefined, end: () => void): void {
    if (waiter) {
      leave(waiter);
      waiter.admit(end);
    } else end();
  }

  function keepWaiting(room: Room): void {
    // No more than can have their turn in time.
    while (queue.size > room.places) refuse(heaviest(queue, places), room.nextMs);
    for (const waiter of queue) {
      waiter.timer ??= setTimeout(() => refuse(waiter, room.nextMs), timerDelayMs(maxWaitMs));
    }
    clearTimeout(timer);
    if (queue.size > 0) timer = setTimeout(serve, timerDelayMs(Math.max(1, room.nextMs)));
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
    if (queue.size > maxLength) refuse(heaviest(queue, places), maxWaitMs);
    void serve();
  };
}

function weightOf({ who, isFurther }: Waiter, places: CallPlaces): number {
  return isFurther ? -1 : places.countOf(who);
}

/** Of the one who has had the fewest calls of late, the oldest. */
function lightest(queue: Iterable<Queued>, places: CallPlaces): Queued | undefined {
  let found: Queued | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const waiter of queue) {
    const weight = weightOf(waiter, places);
    if (weight >= least) continue;
    least = weight;
    found = waiter;
  }
  return found;
}

/** Of the one who has had and wants the most calls, the newest. */
function heaviest(queue: Iterable<Queued>, places: CallPlaces): Queued | undefined {
  const wanted = new Map<string, number>();
  for (const { who } of queue) wanted.set(who, (wanted.get(who) ?? 0) + 1);
  let found: Queued | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const waiter of queue) {
    const weight = waiter.isFurther
      ? -1
      : places.countOf(waiter.who) + (wanted.get(waiter.who) ?? 0);
    if (weight < most) continue;
    most = weight;
    found = waiter;
  }
  return found;
}
