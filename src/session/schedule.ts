import type { Instant } from '../core/clock.ts';
import type { SessionState } from './state.ts';
import { pausedForMs } from './throttle.ts';

/** When the package asks for tokens by itself. */
export type KeepFresh = 'while-visible' | 'always' | 'on-demand';

export interface Task {
  readonly name: 'drop-token' | 'end-pause' | 'acquire';
  /** Ms until it is due; 0 or less: now. */
  readonly inMs: number;
}

/** What a session does next by itself, and when. */
export function nextTask(
  state: SessionState,
  keepFresh: KeepFresh,
  isVisible: boolean,
  now: Instant,
): Task | undefined {
  const { held, throttle } = state;
  const tasks: Task[] = [];
  if (held) tasks.push({ name: 'drop-token', inMs: held.token.remainingMs(now) });
  if (throttle.pause) tasks.push({ name: 'end-pause', inMs: pausedForMs(throttle, now) });
  if (acquiresByItself(state, keepFresh, isVisible)) {
    tasks.push({ name: 'acquire', inMs: untilDueMs(state, now) });
  }
  // The first of those that are due together: what is over goes before something new begins.
  return tasks.reduce<Task | undefined>((first, task) => {
    return first && first.inMs <= Math.max(task.inMs, 0) ? first : task;
  }, undefined);
}

function acquiresByItself(
  { acquisition, failure, isOnline, isSignedOut, isWatched }: SessionState,
  keepFresh: KeepFresh,
  isVisible: boolean,
): boolean {
  const isWanted = keepFresh === 'always' || (keepFresh === 'while-visible' && isVisible);
  // Offline it asks once, so that components see the failure.
  const isPossible = isOnline || !failure;
  return isWanted && isPossible && isWatched && !isSignedOut && !acquisition;
}

/** Ms until a token is to be acquired that nobody has asked for; 0 or less: now. */
export function untilDueMs({ held, throttle }: SessionState, now: Instant): number {
  const staleInMs = held && !held.isRejected ? held.token.remainingMs(now) - held.bufferMs : 0;
  return Math.max(staleInMs, pausedForMs(throttle, now));
}
