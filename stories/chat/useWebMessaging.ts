import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { retryDelayMs, shouldRetry, useGuestFetch } from '../../src/index.ts';
import {
  Messenger,
  type MessengerMessage,
  type MessengerState,
} from '../../test/examples/client/authenticatedSession.ts';
import type { ChatConnection, Line, Message } from './connection.ts';

export interface MessengerSession {
  readonly sessionId: string;
  readonly messenger: Messenger;
  readonly state: MessengerState;
  /** How often the session was configured. */
  readonly opened: number;
  /** What came over the socket since the page was loaded, oldest first. */
  readonly live: readonly Message[];
  /** The tracingId of the message that was refused last. */
  readonly refused: string | undefined;
}

/** `getToken` and `refresh` of `useGuestToken()`. */
export interface SignedInVisitor {
  getToken(): Promise<string>;
  refresh(): Promise<string>;
}

/** Opens the socket for as long as the component is on the page. */
export function useMessenger(
  sessionId: string,
  visitor: SignedInVisitor | undefined,
): MessengerSession {
  const [state, setState] = useState<MessengerState>('connecting');
  const [opened, setOpened] = useState(0);
  const [live, setLive] = useState<readonly Message[]>([]);
  const [refused, setRefused] = useState<string>();
  const messenger = useMemo(
    () =>
      new Messenger({
        url: 'wss://webmessaging.mypurecloud.com/v1',
        deploymentId: 'sandbox-deployment',
        sessionId,
        ...(visitor && { visitor }),
        onState(next) {
          setState(next);
          if (next === 'open') setOpened((before) => before + 1);
        },
        onMessage: (message) => setLive((before) => [...before, toMessage(message)]),
        onRefused: setRefused,
      }),
    [sessionId, visitor],
  );
  useEffect(() => {
    messenger.connect();
    return () => messenger.close();
  }, [messenger]);
  return { sessionId, messenger, state, opened, live, refused };
}

export interface WebMessagingActions {
  /** The visitor's own token is being renewed. */
  readonly isRenewing: boolean;
  readonly signIn: () => void;
  readonly startNew: () => void;
}

/** Web Messaging: messages over the socket, and those from before over REST. */
export function useWebMessaging(
  session: MessengerSession,
  historyUrl: string,
  actions: WebMessagingActions,
): ChatConnection {
  const { sessionId, messenger, state, opened, live, refused } = session;
  const guestFetch = useGuestFetch();
  const [written, setWritten] = useState({ text: '', tracingId: '', connection: 0, arrived: 0 });
  const history = useQuery({
    queryKey: ['history', sessionId],
    queryFn: async ({ signal }) => {
      const response = await guestFetch(historyUrl, { signal });
      if (!response.ok) throw response;
      const { entities }: { entities: MessengerMessage[] } = await response.json();
      return entities.map(toMessage).reverse();
    },
    // The JWT for it comes over the socket.
    enabled: opened > 0,
    retry: shouldRetry,
    retryDelay: retryDelayMs,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const earlier = history.data ?? [];
  const known = new Set(earlier.map(({ id }) => id));
  const arrived = live.filter(({ fromVisitor }) => fromVisitor).length;
  const isOnItsWay = written.text !== '' && arrived === written.arrived;
  const isLost = written.connection !== opened || state !== 'open' || written.tracingId === refused;
  return {
    messages: [...earlier, ...live.filter(({ id }) => !known.has(id))],
    loading: history.isError ? 'failed' : history.isPending ? 'yes' : 'no',
    load: () => void history.refetch(),
    outgoing: isOnItsWay ? { text: written.text, state: isLost ? 'failed' : 'sending' } : undefined,
    send(text) {
      const tracingId = state === 'open' ? messenger.send(text) : '';
      setWritten({ text, tracingId, connection: opened, arrived });
    },
    status: statuses[state],
    line: lineOf(session, actions),
  };
}

const statuses: Record<MessengerState, ChatConnection['status']> = {
  connecting: 'pending',
  open: 'success',
  'signed-out': 'idle',
  'sign-in-needed': 'idle',
  expired: 'ended',
  failed: 'error',
};

function lineOf(
  { state, opened, messenger }: MessengerSession,
  { isRenewing, signIn, startNew }: WebMessagingActions,
): Line {
  switch (state) {
    case 'connecting':
      return opened > 0
        ? { mood: 'busy', text: 'Reconnecting…' }
        : { mood: 'pending', text: 'Connecting…' };
    case 'open':
      return isRenewing
        ? { mood: 'busy', text: 'Renewing the connection…' }
        : { mood: 'success', text: 'Connected' };
    case 'signed-out':
      return { mood: 'idle', text: 'Signed out', action: { label: 'Sign in', run: signIn } };
    case 'sign-in-needed':
      return {
        mood: 'bad',
        text: 'Please sign in again.',
        action: { label: 'Sign in', run: signIn },
      };
    case 'expired':
      return {
        mood: 'bad',
        text: 'This chat has ended.',
        action: { label: 'Start a new one', run: startNew },
      };
    case 'failed':
      return {
        mood: 'bad',
        text: 'The connection failed.',
        action: { label: 'Try now', run: () => messenger.connect() },
      };
  }
}

function toMessage({ id, text, direction }: MessengerMessage): Message {
  return { id, text, fromVisitor: direction === 'Inbound' };
}
