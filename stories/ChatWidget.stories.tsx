import { expect, waitFor } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { ChatWidget } from './chat/ChatWidget.tsx';
import { Stage } from './support/Stage.tsx';
import { API_URL, openScene, type Scene } from './support/scene.ts';

let scene: Scene;

const meta = preview.meta({
  title: 'Chat widget',
  component: ChatWidget,
  args: { apiUrl: API_URL, conversationId: 'conversation-1' },
  decorators: [
    (Story) => (
      <Stage>
        <Story />
      </Stage>
    ),
  ],
  beforeEach({ msw }) {
    scene = openScene();
    msw.use(...scene.handlers);
  },
});

/** A visitor opens the page, writes, and reads the answer. */
export const Conversation = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText('No messages yet. Say hello!');
    const input = canvas.getByLabelText('Your message');
    await userEvent.type(input, 'Where is my parcel?{Enter}');
    await canvas.findByText('Where is my parcel?');
    await canvas.findByText(/You are talking to the sandbox/);
    await expect(input).toHaveValue('');
    await expect(input).toHaveFocus();
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** The token is refused in the middle of the conversation: a new one is got and the message sent again. */
export const RefusedAndRecovered = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText('No messages yet. Say hello!');
    scene.sandbox.revokeGuestTokens();
    await userEvent.type(canvas.getByLabelText('Your message'), 'Are you still there?{Enter}');
    await canvas.findByText(/You are talking to the sandbox/);
    await expect(canvas.queryByText('The message was not sent. Please try again.')).toBeNull();
    await expect(scene.sandbox.count('visitor')).toBe(2);
  },
});

/** The conversation API is busy; the guest fetch waits as long as it says, then sends again. */
export const BusyConversation = meta.story({
  async play({ canvas, userEvent }) {
    await canvas.findByText('No messages yet. Say hello!');
    scene.sandbox.fault('conversation', { kind: 'rate-limited', seconds: 1 }, { times: 1 });
    await userEvent.type(canvas.getByLabelText('Your message'), 'Hello?{Enter}');
    await canvas.findByText(/You are talking to the sandbox/, {}, { timeout: 6_000 });
  },
});

/** The widget's own query fails twice and is tried again by `shouldRetry` and `retryDelayMs`. */
export const MessagesRetried = meta.story({
  beforeEach() {
    scene.sandbox.fault('conversation', 'cut', { times: 1 });
  },
  async play({ canvas }) {
    await canvas.findByText('No messages yet. Say hello!', {}, { timeout: 8_000 });
    await expect(scene.sandbox.count('conversation')).toBe(2);
  },
});

/** No token can be had: the line says when the next try comes, and has a button for the impatient. */
export const NoConnection = meta.story({
  beforeEach() {
    scene.sandbox.fault('visitor', { kind: 'rate-limited', seconds: 90 });
  },
  async play({ canvas, userEvent }) {
    await canvas.findByText('Very busy right now.');
    await canvas.findByText(/Next try in \d+ s\./);
    scene.sandbox.clear();
    // The broker spares Genesys for as long as Genesys has asked for; a person may ask all the same.
    await userEvent.click(canvas.getByRole('button', { name: 'Try now' }));
    await waitFor(() => expect(canvas.getByRole('status')).toHaveTextContent('Very busy'));
  },
});

/** Nobody is signed in: no token, no request. */
export const SignedOut = meta.story({
  decorators: [
    (Story) => (
      <Stage externalId={null}>
        <Story />
      </Stage>
    ),
  ],
  async play({ canvas }) {
    await canvas.findByText('Sign in to chat with us.');
    await expect(scene.sandbox.count()).toBe(0);
  },
});

/** A narrow phone, and words longer than its screen. */
export const Narrow = meta.story({
  decorators: [
    (Story) => (
      <div style={{ width: 320 }}>
        <Story />
      </div>
    ),
  ],
  async play({ canvas, canvasElement, userEvent }) {
    await canvas.findByText('No messages yet. Say hello!');
    await userEvent.type(canvas.getByLabelText('Your message'), `${'long'.repeat(30)}{Enter}`);
    await canvas.findByText(/You are talking to the sandbox/);
    const chat = canvasElement.querySelector('.chat');
    await expect(chat?.scrollWidth).toBeLessThanOrEqual(chat?.clientWidth ?? 0);
  },
});
