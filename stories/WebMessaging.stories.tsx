import { expect, waitFor, within } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { AnonymousMessaging, SignedInMessaging } from './chat/WebMessagingWidget.tsx';
import { type MessagingScene, openMessagingScene } from './support/messagingScene.ts';
import { printsWarning } from './support/prints.ts';
import { Stage, type StageProps } from './support/Stage.tsx';
import { API_URL } from './support/scene.ts';

let scene: MessagingScene;

const SESSION = '6f8d0c3e-0a52-4d3c-9b6b-5a2f3f0e9c11';

interface PageProps extends Omit<StageProps, 'children'> {
  /** Whether visitors have an account. */
  signedIn?: boolean;
}

function MessagingPage({ signedIn = false, ...config }: PageProps) {
  const widget = { apiUrl: API_URL, sessionId: SESSION };
  return signedIn ? (
    <Stage {...config}>
      <SignedInMessaging {...widget} signIn={() => scene.signIn()} />
    </Stage>
  ) : (
    <Stage {...config} externalId={null}>
      <AnonymousMessaging {...widget} />
    </Stage>
  );
}

const meta = preview.meta({
  title: 'Stories/Web Messaging',
  component: MessagingPage,
  parameters: { docs: { story: { height: '540px' } } },
  beforeEach({ msw }) {
    scene = openMessagingScene();
    msw.use(...scene.handlers);
  },
});

const INPUT = 'Your message';
const EMPTY = 'No messages yet. Say hello!';
const ANSWER = /You are talking to the sandbox/;
const connected = { timeout: 5_000 };

const count = (operation: Parameters<MessagingScene['sandbox']['count']>[0]): number =>
  scene.sandbox.count(operation);

/** A visitor without an account opens the page and writes. */
export const Anonymous = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY, {}, connected);
    await userEvent.type(canvas.getByLabelText(INPUT), 'Where is my parcel?{Enter}');
    const log = within(canvas.getByRole('log', { name: 'Messages' }));
    await log.findByText(ANSWER);
    await expect(log.getAllByText('Where is my parcel?')).toHaveLength(1);
    await expect(canvas.getByRole('status')).toHaveTextContent('Connected');
    await expect(count('getJwt')).toBe(1);
  },
});

/** The visitor comes back: what was said before is read over REST, with a JWT that the socket gives. */
export const AnonymousWithHistory = meta.story({
  beforeEach() {
    scene.talkEarlier(SESSION, 'Do you ship to Malta?');
  },
  async play({ canvas, userEvent }) {
    await canvas.findByText('Do you ship to Malta?', {}, connected);
    await userEvent.type(canvas.getByLabelText(INPUT), 'One more question{Enter}');
    await waitFor(() => expect(canvas.getAllByText('Agent')).toHaveLength(2));
    await expect(count('getJwt')).toBe(1);
    await expect(count('history')).toBe(1);
  },
});

/** A visitor who comes from the identity provider with a code (PKCE), which the broker exchanges. */
export const SignedIn = meta.story({
  args: { signedIn: true },
  beforeEach: () => scene.signIn(),
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY, {}, connected);
    await userEvent.type(canvas.getByLabelText(INPUT), 'Where is my parcel?{Enter}');
    await canvas.findByText(ANSWER);
    await expect(count('exchange')).toBe(1);
    await expect(count('configureAuthenticatedSession')).toBe(1);
  },
});

/** The broker says `reauthenticate`: the widget asks for a sign-in, and for nothing else. */
export const SignInNeeded = meta.story({
  parameters: printsWarning,
  args: { signedIn: true },
  async play({ canvas }) {
    await canvas.findByText('Please sign in again.', {}, connected);
    await expect(canvas.getByLabelText(INPUT)).toBeDisabled();
    await expect(canvas.getByRole('button', { name: 'Sign in' })).toBeVisible();
    await expect(count('configureAuthenticatedSession')).toBe(0);
  },
});

/** The button signs in, and the chat goes on. */
export const SignedInAgain = SignInNeeded.extend({
  tags: ['!autodocs'],
  async play({ canvas, userEvent }) {
    await userEvent.click(await canvas.findByRole('button', { name: 'Sign in' }, connected));
    await canvas.findByText(EMPTY, {}, connected);
    await expect(canvas.getByRole('status')).toHaveTextContent('Connected');
    await expect(count('exchange')).toBe(1);
  },
});

/** JWTs of 5 seconds and a slow Genesys: they are renewed, and the session stays as it is. */
export const RenewalEveryFewSeconds = meta.story({
  args: { signedIn: true, expiryBufferMs: 500 },
  async beforeEach() {
    await scene.signIn();
    scene.sandbox.configure({ tokenLifeSeconds: 5 });
    scene.sandbox.fault('refresh', { kind: 'slow', delayMs: 500 });
  },
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY, {}, connected);
    await canvas.findByText('Renewing the connection…', {}, { timeout: 8_000 });
    await userEvent.type(canvas.getByLabelText(INPUT), 'Still there?{Enter}');
    await canvas.findByText(ANSWER);
    await expect(count('configureAuthenticatedSession')).toBe(1);
  },
});

/** The JWT is refused when the session is configured: a new one is got, and the visitor sees nothing of it. */
export const RefusedAndRecovered = meta.story({
  args: { signedIn: true },
  async beforeEach() {
    await scene.signIn();
    scene.sandbox.fault('configureAuthenticatedSession', 'unauthorized', { times: 1 });
  },
  async play({ canvas }) {
    await canvas.findByText(EMPTY, {}, connected);
    await expect(count('configureAuthenticatedSession')).toBe(2);
    await expect(count('refresh')).toBe(1);
  },
});

/** Genesys refuses a message, as too many came: it stays, with a button that sends it again. */
export const MessageRefused = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY, {}, connected);
    scene.sandbox.fault('onMessage', 'rate-limited', { times: 1 });
    await userEvent.type(canvas.getByLabelText(INPUT), 'An important question{Enter}');
    await canvas.findByText('Not sent.');
    await userEvent.click(canvas.getByRole('button', { name: 'Send again' }));
    await canvas.findByText(ANSWER);
    await expect(canvas.getAllByText('An important question')).toHaveLength(1);
    await expect(canvas.queryByText('Not sent.')).toBeNull();
  },
});

/** The session has expired: the visitor can read it and start another one, but not write to it. */
export const SessionExpired = meta.story({
  beforeEach() {
    scene.talkEarlier(SESSION, 'Do you ship to Malta?');
  },
  async play({ canvas }) {
    await canvas.findByText('Do you ship to Malta?', {}, connected);
    scene.sandbox.messaging.expire();
    await canvas.findByText('This chat has ended.');
    await expect(canvas.getByLabelText(INPUT)).toBeDisabled();
    await expect(canvas.getByRole('button', { name: 'Start a new one' })).toBeVisible();
  },
});

/** The button starts it. */
export const NewSession = SessionExpired.extend({
  tags: ['!autodocs'],
  async play({ canvas, userEvent }) {
    await canvas.findByText('Do you ship to Malta?', {}, connected);
    scene.sandbox.messaging.expire();
    await userEvent.click(await canvas.findByRole('button', { name: 'Start a new one' }));
    await canvas.findByText(EMPTY, {}, connected);
    await expect(canvas.getByLabelText(INPUT)).toBeEnabled();
    await expect(canvas.getByRole('status')).toHaveTextContent('Connected');
  },
});

/** The visitor signs out in another tab: Genesys tells every socket of theirs. */
export const SignedOutInAnotherTab = meta.story({
  args: { signedIn: true },
  beforeEach: () => scene.signIn(),
  async play({ canvas }) {
    await canvas.findByText(EMPTY, {}, connected);
    scene.sandbox.messaging.signOut();
    await canvas.findByText('Signed out');
    await expect(canvas.getByLabelText(INPUT)).toBeDisabled();
    await waitFor(() => expect(scene.sandbox.messaging.sockets).toBe(0));
  },
});

/** The socket is cut: the messenger reconnects with the same session, and nothing is lost. */
export const SocketCutAndRestored = meta.story({
  args: { signedIn: true },
  beforeEach: () => scene.signIn(),
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY, {}, connected);
    await userEvent.type(canvas.getByLabelText(INPUT), 'Hello?{Enter}');
    await canvas.findByText(ANSWER);
    scene.sandbox.messaging.cut();
    await canvas.findByText('Reconnecting…');
    await waitFor(
      () => expect(canvas.getByRole('status')).toHaveTextContent('Connected'),
      connected,
    );
    await expect(canvas.getByText('Hello?')).toBeVisible();
    await expect(count('exchange')).toBe(1);
    await expect(count('configureAuthenticatedSession')).toBe(2);
  },
});
