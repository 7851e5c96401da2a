// A signed-in visitor's page with a messenger of its own, driven from outside through window.messengerPage.
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { GuestTokenProvider, useGuestFetch, useGuestToken } from '../../../src/index.ts';
import { webMessagingTokenSource } from '../../../src/messaging/index.ts';
import { Messenger, type MessengerState } from '../../examples/client/authenticatedSession.ts';

export interface MessengerPage {
  /** Of the session so far. */
  readonly states: MessengerState[];
  readonly texts: string[];
  /** Tokens that the providers got from their sources. */
  readonly acquired: { visitor: number; history: number };
  send(text: string): void;
  /** How many messages the history holds, or the status that it was refused with. */
  readHistory(): Promise<number>;
  signOut(): void;
  /** Resolves once `done` holds; it is asked every 20 ms. */
  until(done: (page: MessengerPage) => boolean): Promise<void>;
}

declare global {
  interface Window {
    messengerPage: MessengerPage;
  }
}

const query = new URLSearchParams(location.search);
const sessionId = query.get('session') ?? '';
const notMounted = () => Promise.reject(new Error('The page has not rendered yet.'));

window.messengerPage = {
  states: [],
  texts: [],
  acquired: { visitor: 0, history: 0 },
  send: notMounted,
  readHistory: notMounted,
  signOut: notMounted,
  async until(done) {
    while (!done(window.messengerPage)) await new Promise((resolve) => setTimeout(resolve, 20));
  },
};

function count(whose: keyof MessengerPage['acquired']): (event: { type: string }) => void {
  return ({ type }) => {
    if (type === 'acquired') window.messengerPage.acquired[whose] += 1;
  };
}

const countVisitor = count('visitor');
const countHistory = count('history');

function Page(): ReactNode {
  const [visitor, setVisitor] = useState(query.get('visitor'));
  useEffect(() => {
    window.messengerPage.signOut = () => setVisitor(null);
  }, []);
  return (
    <GuestTokenProvider externalId={visitor} keepFresh="always" onEvent={countVisitor}>
      <SignedIn visitor={visitor} />
    </GuestTokenProvider>
  );
}

function SignedIn({ visitor }: { visitor: string | null }): ReactNode {
  const { status, getToken, refresh } = useGuestToken();
  const [messenger] = useState(() => {
    const { states, texts } = window.messengerPage;
    return new Messenger({
      url: `${location.origin.replace('http', 'ws')}/webmessaging/v1`,
      deploymentId: 'sandbox-deployment',
      sessionId,
      visitor: { getToken, refresh },
      onState: (state) => states.push(state),
      onMessage: ({ text }) => texts.push(text),
    });
  });
  const isSignedOut = status === 'idle';
  useEffect(() => {
    if (isSignedOut) return undefined;
    messenger.connect();
    window.messengerPage.send = (text) => messenger.send(text);
    return () => messenger.close();
  }, [messenger, isSignedOut]);

  const source = useMemo(
    () => webMessagingTokenSource({ socket: () => messenger.socket, token: sessionId }),
    [messenger],
  );
  return (
    <GuestTokenProvider
      externalId={isSignedOut ? null : visitor}
      source={source}
      keepFresh="on-demand"
      onEvent={countHistory}
    >
      <History />
      <p role="status">{status}</p>
    </GuestTokenProvider>
  );
}

function History(): ReactNode {
  const guestFetch = useGuestFetch();
  useEffect(() => {
    window.messengerPage.readHistory = async () => {
      const response = await guestFetch('/api/api/v2/webmessaging/messages');
      return response.ok ? (await response.json()).total : response.status;
    };
  }, [guestFetch]);
  return null;
}

const root = document.querySelector('main');
if (root) createRoot(root).render(<Page />);
