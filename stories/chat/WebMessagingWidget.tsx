import { type ReactNode, useMemo, useState } from 'react';
import { GuestTokenProvider, useGuestToken } from '../../src/index.ts';
import { webMessagingTokenSource } from '../../src/messaging/index.ts';
import { Chat } from './ChatWidget.tsx';
import {
  type MessengerSession,
  type SignedInVisitor,
  useMessenger,
  useWebMessaging,
  type WebMessagingActions,
} from './useWebMessaging.ts';

interface WidgetProps {
  /** Genesys' API. */
  apiUrl: string;
  /** The UUID of the conversation. */
  sessionId: string;
}

/** The chat widget on Web Messaging, for visitors without an account. Its provider is the history's. */
export function AnonymousMessaging(props: WidgetProps): ReactNode {
  return <Messaging {...props} isRenewing={false} signIn={async () => undefined} />;
}

/** The same for visitors who have signed in, below the provider of their token. */
export function SignedInMessaging({
  signIn,
  ...props
}: WidgetProps & { signIn: () => Promise<void> }): ReactNode {
  const { isFetching, getToken, refresh } = useGuestToken();
  const visitor = useMemo(() => ({ getToken, refresh }), [getToken, refresh]);

  async function signInAgain(): Promise<void> {
    await signIn();
    // With the new code; what it fails with, the session meets again.
    await refresh().catch(() => undefined);
  }

  return <Messaging {...props} visitor={visitor} isRenewing={isFetching} signIn={signInAgain} />;
}

interface MessagingProps extends WidgetProps {
  visitor?: SignedInVisitor;
  /** The visitor's own token is being renewed. */
  isRenewing: boolean;
  signIn: () => Promise<void>;
}

/** One session after the other: a sign-in and an ended chat begin a new one. */
function Messaging({ sessionId, signIn, ...props }: MessagingProps): ReactNode {
  const [current, setCurrent] = useState(sessionId);
  const startNew = (): void => setCurrent(crypto.randomUUID());
  return (
    <Session
      key={current}
      {...props}
      sessionId={current}
      signIn={() => void signIn().then(startNew)}
      startNew={startNew}
    />
  );
}

interface SessionProps extends WidgetProps, WebMessagingActions {
  visitor?: SignedInVisitor;
}

function Session({ apiUrl, sessionId, visitor, ...actions }: SessionProps): ReactNode {
  const session = useMessenger(sessionId, visitor);
  const { messenger } = session;
  const source = useMemo(
    () => webMessagingTokenSource({ socket: () => messenger.socket, token: sessionId }),
    [messenger, sessionId],
  );
  return (
    <GuestTokenProvider
      externalId="visitor"
      source={source}
      keepFresh="on-demand"
      // The history is read once: no JWT is to be kept fresh for it.
      expiryBufferMs={0}
      origins={[apiUrl]}
      shareAcrossTabs={false}
    >
      <Conversation session={session} apiUrl={apiUrl} {...actions} />
    </GuestTokenProvider>
  );
}

function Conversation({
  session,
  apiUrl,
  ...actions
}: WebMessagingActions & { session: MessengerSession; apiUrl: string }): ReactNode {
  const historyUrl = `${apiUrl}/api/v2/webmessaging/messages?pageSize=100`;
  return <Chat {...useWebMessaging(session, historyUrl, actions)} />;
}
