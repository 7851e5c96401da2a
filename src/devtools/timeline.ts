import type { Instant } from '../core/clock.ts';
import type { GuestTokenEvent } from '../core/events.ts';
import type { SessionState } from '../session/state.ts';
import { pausedForMs } from '../session/throttle.ts';
import { duration } from './duration.ts';

/** Without a token, at least this much of the past is shown. */
const MIN_SPAN_MS = 60_000;

export type MarkKind = 'attempt' | 'token' | 'failure' | 'other-tab' | 'refused';

/** Places on the timeline are shares of its width: 0 to 1. */
interface Mark {
  readonly kind: MarkKind;
  readonly at: number;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Timeline {
  /** The life of the token in hand, in two parts. */
  readonly fresh: Span | undefined;
  readonly stale: Span | undefined;
  /** Pauses between attempts and after failed acquisitions. */
  readonly waits: readonly Span[];
  readonly marks: readonly Mark[];
  readonly now: number;
  /** The same in words. */
  readonly text: string;
}

/** A token's life and what has happened during it, or the latest attempts where there is no token. */
export function timelineOf(
  state: SessionState,
  events: readonly GuestTokenEvent[],
  now: Instant,
): Timeline {
  const { held, throttle } = state;
  const nowMs = now.wallMs;
  const requestedAtMs = held?.token.requestedAt.wallMs;
  const endMs = held ? nowMs + held.token.remainingMs(now) : nowMs;
  const pauseEndsAtMs = nowMs + Math.max(0, pausedForMs(throttle, now));
  const fromMs = requestedAtMs ?? Math.min(events[0]?.atMs ?? nowMs, nowMs - MIN_SPAN_MS);
  const toMs = Math.max(endMs, pauseEndsAtMs, nowMs);
  const place = (atMs: number): number => share(atMs, fromMs, toMs);
  const recent = events.filter(({ atMs }) => atMs >= fromMs);
  const refreshAtMs = held ? endMs - held.bufferMs : endMs;
  return {
    fresh: held && { from: place(fromMs), to: place(refreshAtMs) },
    stale: held && { from: place(refreshAtMs), to: place(endMs) },
    waits: recent.flatMap((event) => {
      const untilMs = waitEndsAtMs(event);
      return untilMs === undefined ? [] : [{ from: place(event.atMs), to: place(untilMs) }];
    }),
    marks: recent.flatMap((event) => {
      const kind = markOf(event);
      return kind ? [{ kind, at: place(event.atMs) }] : [];
    }),
    now: place(nowMs),
    text: held
      ? `The token was issued ${duration(nowMs - fromMs)} ago. ${comes('Its refresh point', refreshAtMs - nowMs)} ${comes('Its end', endMs - nowMs)}`
      : 'There is no token.',
  };
}

function share(atMs: number, fromMs: number, toMs: number): number {
  if (toMs <= fromMs) return 1;
  return Math.min(1, Math.max(0, (atMs - fromMs) / (toMs - fromMs)));
}

function comes(what: string, inMs: number): string {
  return inMs > 0 ? `${what} is in ${duration(inMs)}.` : `${what} was ${duration(-inMs)} ago.`;
}

function waitEndsAtMs(event: GuestTokenEvent): number | undefined {
  if (event.type === 'retrying') return event.atMs + event.delayMs;
  return event.type === 'failed' ? event.retryAtMs : undefined;
}

function markOf({ type }: GuestTokenEvent): MarkKind | undefined {
  switch (type) {
    case 'acquiring':
      return 'attempt';
    case 'acquired':
      return 'token';
    case 'retrying':
    case 'failed':
    case 'expired':
      return 'failure';
    case 'shared':
      return 'other-tab';
    case 'rejected':
      return 'refused';
    default:
      return undefined;
  }
}
