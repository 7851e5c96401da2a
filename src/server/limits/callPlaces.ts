import { createCallWindow, type Room } from './callWindow.ts';
import type { SharedCallWindow } from './sharedCallWindow.ts';

/** The calls that may be made at this moment. */
export interface CallPlaces {
  /** How many calls of `who` count of late. */
  countOf(who: string): number;
  /**
   * Takes the place of one call.
   *
   * @param isFurther of work that has begun, which may take the last one too
   *
   * @returns what to do when the call has ended; where there is no place, when there may be
   */
  take(who: string, isFurther: boolean): Promise<(() => void) | Room>;
}

/**
 * Whoever wants many gets as many as are left free: so there is a place for the next one, however
 * many want them all.
 *
 * @param shared the calls of all machines; undefined where there is one
 */
export function createCallPlaces(
  limit: number,
  maxWaitMs: number,
  shared: SharedCallWindow | undefined,
): CallPlaces {
  const own = createCallWindow();
  return {
    countOf: own.countOf,
    async take(who, isFurther) {
      const counted = own.count();
      const spare = isFurther ? 0 : own.countOf(who);
      const isFull = (): boolean => counted + spare >= (shared?.ownLimit() ?? limit);
      if (isFull()) return own.room(maxWaitMs);
      const result = await shared?.add(counted, spare, maxWaitMs);
      if (typeof result === 'object') return result;
      // Redis may be away since a moment ago.
      if (isFull()) return own.room(maxWaitMs);
      const end = own.add(who);
      return () => {
        end();
        result?.();
      };
    },
  };
}
