import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';

/** What Genesys counts calls by. */
export const WINDOW_MS = 60_000;

/** When the next call may be made. */
export interface Room {
  /** Ms until the next of the counted calls is forgotten; Infinity while all are under way. */
  readonly nextMs: number;
  /** How many are forgotten within the time that was asked for. */
  readonly places: number;
}

/** Counts the calls that may still count at Genesys: those under way and those of the last 60 s. */
export interface CallWindow {
  /** Forgets what is over, and tells how many calls are left. */
  count(): number;
  /** How many of them are of `who`. */
  countOf(who: string): number;
  /** Adds a call; returns what to do when it has ended. */
  add(who: string): () => void;
  room(withinMs: number): Room;
}

/**
 * A call counts from its start until 60 s after its end, since Genesys counts it at some moment
 * between the two: so no 60 s there hold more calls than this window ever did.
 */
export function createCallWindow(): CallWindow {
  const counts = new Map<string, number>();
  const ended: { readonly who: string; readonly forgotten: Deadline }[] = [];
  let total = 0;

  function change(who: string, by: 1 | -1): void {
    total += by;
    const count = (counts.get(who) ?? 0) + by;
    if (count === 0) counts.delete(who);
    else counts.set(who, count);
  }

  return {
    count() {
      for (let [oldest] = ended; oldest && untilMs(oldest.forgotten) <= 0; [oldest] = ended) {
        ended.shift();
        change(oldest.who, -1);
      }
      return total;
    },
    countOf: (who) => counts.get(who) ?? 0,
    add(who) {
      change(who, 1);
      return () => ended.push({ who, forgotten: deadlineIn(WINDOW_MS) });
    },
    room(withinMs) {
      const [oldest] = ended;
      return {
        nextMs: oldest ? untilMs(oldest.forgotten) : Number.POSITIVE_INFINITY,
        places: ended.filter(({ forgotten }) => untilMs(forgotten) <= withinMs).length,
      };
    },
  };
}
