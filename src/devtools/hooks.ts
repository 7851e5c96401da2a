import { useEffect, useState, useSyncExternalStore } from 'react';
import { type Instant, readClock } from '../core/clock.ts';
import { isSessionOf } from './openSessions.ts';
import { type InspectedSession, SessionLog } from './sessionLog.ts';

/** One for the page, so that a panel that is opened late knows what the button has seen. */
const log = new SessionLog();
const none: readonly InspectedSession[] = [];

/** The sessions of a client, or of all clients on the page. */
export function useSessions(client: object | undefined): readonly InspectedSession[] {
  const sessions = useSyncExternalStore(log.subscribe, log.getSessions, () => none);
  return client ? sessions.filter(({ session }) => isSessionOf(client, session)) : sessions;
}

/** The time, anew each second. */
export function useNow(): Instant {
  const [now, setNow] = useState(readClock);
  useEffect(() => {
    const timer = setInterval(() => setNow(readClock()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function useIsVisible(): boolean {
  return useSyncExternalStore(
    onVisibilityChange,
    () => document.visibilityState !== 'hidden',
    () => true,
  );
}

function onVisibilityChange(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}
