import { expect, waitFor, within } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { ChatWidget } from './chat/ChatWidget.tsx';
import { goOffline } from './support/offline.ts';
import { printsWarning } from './support/prints.ts';
import { Stage, type StageProps } from './support/Stage.tsx';
import { API_URL, openScene, type Scene } from './support/scene.ts';

let scene: Scene;

function ChatPage(config: Omit<StageProps, 'children'>) {
  return (
    <Stage {...config}>
      <ChatWidget apiUrl={API_URL} />
    </Stage>
  );
}

const meta = preview.meta({
  title: 'Stories/Chat widget',
  component: ChatPage,
  parameters: { docs: { story: { height: '540px' } } },
  beforeEach({ msw }) {
    scene = openScene();
    msw.use(...scene.handlers);
  },
});

const INPUT = 'Your message';
const EMPTY = 'No messages yet. Say hello!';
const ANSWER = /You are talking to the sandbox/;

/** The first token takes a moment; the visitor may write meanwhile. */
export const FirstLoad = meta.story({
  beforeEach() {
    scene.sandbox.fault('visitor', { kind: 'slow', delayMs: 1_000 }, { times: 1 });
  },
  async play({ canvas, userEvent }) {
    await canvas.findByText('Connecting…');
    await userEvent.type(canvas.getByLabelText(INPUT), 'Anybody here?{Enter}');
    await canvas.findByText('Sending…');
    await canvas.findByText(ANSWER, {}, { timeout: 5_000 });
    await expect(canvas.getByRole('status')).toHaveTextContent('Connected');
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** A visitor opens the page, writes, and reads the answer. */
export const Conversation = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    const input = canvas.getByLabelText(INPUT);
    await userEvent.type(input, 'Where is my parcel?{Enter}');
    const log = within(canvas.getByRole('log', { name: 'Messages' }));
    await log.findByText('Where is my parcel?');
    await log.findByText(ANSWER);
    await expect(input).toHaveValue('');
    await expect(input).toHaveFocus();
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** All of it by keyboard: to the messages, to the input, to the button. */
export const Keyboard = meta.story({
  tags: ['!autodocs'],
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    await userEvent.tab();
    await expect(canvas.getByRole('log')).toHaveFocus();
    await userEvent.tab();
    await expect(canvas.getByLabelText(INPUT)).toHaveFocus();
    await userEvent.keyboard('Hello');
    await userEvent.tab();
    await expect(canvas.getByRole('button', { name: 'Send' })).toHaveFocus();
    await userEvent.keyboard('{Enter}');
    await canvas.findByText(ANSWER);
  },
});

/** Tokens of 30 seconds, and a slow Genesys: watch the line under the title every 25 seconds. */
export const Renewal = meta.story({
  args: { expiryBufferMs: 5_000 },
  beforeEach() {
    scene.sandbox.configure({ tokenLifeSeconds: 30 });
    scene.sandbox.fault('visitor', { kind: 'slow', delayMs: 1_500 });
  },
  async play({ canvas }) {
    await canvas.findByText(EMPTY, {}, { timeout: 4_000 });
    await expect(canvas.getByRole('status')).toHaveTextContent('Connected');
  },
});

/** The same with tokens of 4 seconds: the conversation goes on while the line says what happens. */
export const RenewalInAHurry = meta.story({
  tags: ['!autodocs'],
  args: { expiryBufferMs: 300 },
  beforeEach() {
    scene.sandbox.configure({ tokenLifeSeconds: 4 });
    scene.sandbox.fault('visitor', { kind: 'slow', delayMs: 300 });
  },
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    await canvas.findByText('Renewing the connection…', {}, { timeout: 6_000 });
    await userEvent.type(canvas.getByLabelText(INPUT), 'Still there?{Enter}');
    await canvas.findByText(ANSWER);
  },
});

/** The token is refused in the middle of the conversation: a new one is got and the message sent again. */
export const RefusedAndRecovered = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    scene.sandbox.revokeGuestTokens();
    await userEvent.type(canvas.getByLabelText(INPUT), 'Are you still there?{Enter}');
    await canvas.findByText(ANSWER);
    await expect(canvas.queryByText('Not sent.')).toBeNull();
    await expect(scene.sandbox.count('visitor')).toBe(2);
  },
});

/** The conversation API is busy; the guest fetch waits as long as it says, then sends again. */
export const BusyConversation = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    scene.sandbox.fault('conversation', { kind: 'rate-limited', seconds: 1 }, { times: 1 });
    await userEvent.type(canvas.getByLabelText(INPUT), 'Hello?{Enter}');
    await canvas.findByText('Sending…');
    await canvas.findByText(ANSWER, {}, { timeout: 6_000 });
  },
});

/** The widget's own query loses its connection and is tried again by `shouldRetry` and `retryDelayMs`. */
export const QueryRetried = meta.story({
  beforeEach() {
    scene.sandbox.fault('conversation', 'cut', { times: 1 });
  },
  async play({ canvas }) {
    await canvas.findByText('Still loading…');
    await canvas.findByText(EMPTY, {}, { timeout: 8_000 });
    await expect(scene.sandbox.count('conversation')).toBe(2);
  },
});

/** The widget's own mutation, with the same two functions. */
export const MutationRetried = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    scene.sandbox.fault('conversation', 'unavailable', { times: 1 });
    await userEvent.type(canvas.getByLabelText(INPUT), 'Hello?{Enter}');
    await canvas.findByText('Trying again…');
    await canvas.findByText(ANSWER, {}, { timeout: 8_000 });
  },
});

/** A message that is refused stays, with a button; it is never lost. */
export const MessageNotSent = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    scene.sandbox.fault('conversation', { kind: 'unavailable', status: 501 }, { times: 1 });
    await userEvent.type(canvas.getByLabelText(INPUT), 'An important question{Enter}');
    await canvas.findByText('Not sent.');
    await expect(canvas.getByText('An important question')).toBeVisible();
    await expect(canvas.getByRole('button', { name: 'Send again' })).toBeVisible();
  },
});

/** The button sends it, once. */
export const MessageSentAgain = meta.story({
  tags: ['!autodocs'],
  async play({ canvas, userEvent }) {
    await canvas.findByText(EMPTY);
    scene.sandbox.fault('conversation', { kind: 'unavailable', status: 501 }, { times: 1 });
    await userEvent.type(canvas.getByLabelText(INPUT), 'An important question{Enter}');
    await userEvent.click(await canvas.findByRole('button', { name: 'Send again' }));
    await canvas.findByText(ANSWER);
    await expect(canvas.getAllByText('An important question')).toHaveLength(1);
  },
});

/** The messages can't be loaded: the widget says so, and has a button. */
export const MessagesNotLoaded = meta.story({
  beforeEach() {
    scene.sandbox.fault('conversation', { kind: 'unavailable', status: 501 });
  },
  async play({ canvas }) {
    await canvas.findByText('The messages could not be loaded.');
    scene.sandbox.clear();
    await expect(canvas.getByRole('button', { name: 'Load again' })).toBeVisible();
  },
});

/** The button loads them. */
export const MessagesLoadedAgain = MessagesNotLoaded.extend({
  tags: ['!autodocs'],
  async play({ canvas, userEvent }) {
    await canvas.findByText('The messages could not be loaded.');
    scene.sandbox.clear();
    await userEvent.click(canvas.getByRole('button', { name: 'Load again' }));
    await canvas.findByText(EMPTY);
  },
});

/** Genesys says 429: the line counts down to the next try, and has a button for the impatient. */
export const TooManyRequests = meta.story({
  parameters: printsWarning,
  beforeEach() {
    scene.sandbox.fault('visitor', { kind: 'rate-limited', seconds: 90 });
  },
  async play({ canvas, userEvent }) {
    await canvas.findByText('Very busy right now.');
    await canvas.findByText(/Next try in \d+ s\./);
    // The broker spares Genesys for as long as Genesys has asked for; a person may ask all the same.
    await userEvent.click(canvas.getByRole('button', { name: 'Try now' }));
    await waitFor(() => expect(canvas.getByRole('button', { name: 'Try now' })).toBeEnabled());
    await expect(canvas.getByRole('status')).toHaveTextContent('Very busy');
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** The broker can't get a token: the line says so, and when the next try comes. */
export const ConnectionFailed = meta.story({
  parameters: printsWarning,
  args: { retry: { attempts: 1 } },
  beforeEach() {
    scene.sandbox.fault('visitor', 'unavailable');
  },
  async play({ canvas }) {
    await canvas.findByText('The connection failed.');
    await canvas.findByText(/Next try in \d+ s\./);
    scene.sandbox.clear();
    await expect(canvas.getByRole('button', { name: 'Try now' })).toBeVisible();
  },
});

/** The button asks at once, and the chat goes on. */
export const ConnectionRetried = ConnectionFailed.extend({
  tags: ['!autodocs'],
  async play({ canvas, userEvent }) {
    await canvas.findByText('The connection failed.');
    scene.sandbox.clear();
    await userEvent.click(canvas.getByRole('button', { name: 'Try now' }));
    await canvas.findByText(EMPTY);
  },
});

/** No network: nothing is tried, and nothing is asked of the visitor. */
export const Offline = meta.story({
  beforeEach() {
    return goOffline();
  },
  async play({ canvas }) {
    await canvas.findByText(/You seem to be offline/);
    await expect(canvas.queryByRole('button', { name: 'Try now' })).toBeNull();
    await expect(scene.sandbox.count()).toBe(0);
  },
});

/** The network is back: the chat goes on by itself. */
export const BackOnline = meta.story({
  tags: ['!autodocs'],
  async play({ canvas, mount }) {
    const goOnline = goOffline();
    try {
      await mount();
      await canvas.findByText(/You seem to be offline/);
    } finally {
      goOnline();
    }
    await canvas.findByText(EMPTY);
    await expect(canvas.getByRole('status')).toHaveTextContent('Connected');
  },
});

/** Nobody is signed in: no token, no request. */
export const SignedOut = meta.story({
  args: { externalId: null },
  async play({ canvas }) {
    await canvas.findByText('Sign in to chat with us.');
    await expect(canvas.getByLabelText(INPUT)).toBeDisabled();
    await expect(scene.sandbox.count()).toBe(0);
  },
});

/** A narrow phone, and words longer than its screen. */
export const Narrow = meta.story({
  decorators: [
    (Story) => (
      <div style={{ maxWidth: 320 }}>
        <Story />
      </div>
    ),
  ],
  async play({ canvas, canvasElement, userEvent }) {
    await canvas.findByText(EMPTY);
    await userEvent.type(canvas.getByLabelText(INPUT), `${'long'.repeat(30)}{Enter}`);
    await canvas.findByText(ANSWER);
    const chat = canvasElement.querySelector('.chat');
    await expect(chat?.clientWidth).toBeLessThanOrEqual(320);
    await expect(chat?.scrollWidth).toBe(chat?.clientWidth);
  },
});
