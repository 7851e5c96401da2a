// The stories' chat widget behaves the same as it is written and as React's compiler makes it.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, screen } from '@testing-library/react';
import { version } from 'react';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  down,
  fakeSource,
  focusWindow,
  HOUR,
  issuing,
  MINUTE,
  pass,
  SECOND,
  showWidget,
  sleepMachine,
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer } from './server.ts';

withFakeTime();

beforeEach(() => {
  // jsdom scrolls nothing
  Element.prototype.scrollTo = () => undefined;
});

const builds = {
  'as it is written': () => import('../../stories/chat/ChatWidget.tsx'),
  'as React’s compiler makes it': () => import('../../stories/chat/ChatWidget.tsx?compiled'),
};

// The compiler's runtime came with React 19.
describe.skipIf(version.startsWith('18')).for(Object.entries(builds))(
  'the chat widget %s',
  ([build, load]) => {
    /** The widget with a server that keeps its messages. */
    async function showChat(source = fakeSource(issuing(HOUR, SECOND))) {
      const { ChatWidget } = await load();
      const texts: string[] = [];
      const server = fakeServer(({ url, method, body }) => {
        if (url.endsWith('/conversations')) return Response.json({ id: 'c', member: { id: 'm' } });
        if (method === 'POST') texts.push(JSON.parse(body).body);
        return Response.json({ entities: texts.map((text, id) => ({ id, body: text })) });
      });
      const queryClient = new QueryClient();
      const page = showWidget(
        { source, children: <ChatWidget apiUrl={location.origin} /> },
        ({ children }) => (
          <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
        ),
      );
      return { page, source, server };
    }
    const line = (): string | null => screen.getByRole('status').textContent;

    async function write(text: string): Promise<void> {
      const input = screen.getByLabelText('Your message');
      await act(async () => {
        // as a keyboard does, past React's own setter
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(
          input,
          text,
        );
        input.dispatchEvent(new Event('input', { bubbles: true }));
      });
      await act(async () => screen.getByText('Send').click());
      await pass(SECOND);
    }

    test('the widget’s code shows whether it was compiled', async () => {
      const { ChatWidget } = await load();
      // where the compiler keeps what it has memoised
      expect(String(ChatWidget).includes('$[0]')).toBe(build.includes('compiler'));
    });

    test('the widget connects and sends messages with the token', async () => {
      const { server } = await showChat();
      expect(line()).toBe('Connecting…');
      await pass(SECOND);
      await pass(SECOND);
      expect(line()).toBe('Connected');
      expect(screen.getByText('No messages yet. Say hello!')).toBeInTheDocument();
      await write('Hello');
      expect(screen.getByText('Hello')).toBeInTheDocument();
      expect(new Set(server.calls.map(({ token }) => token)).size).toBe(1);
    });

    test('the widget shows a renewal and sends the next message with the new token', async () => {
      const { server } = await showChat();
      await pass(2 * SECOND);
      await write('Hello');
      const before = server.calls.at(-1)?.token;
      await pass(59 * MINUTE - 3 * SECOND);
      expect(line()).toBe('Renewing the connection…');
      await pass(2 * SECOND);
      expect(line()).toBe('Connected');
      await write('Are you there?');
      expect(server.calls.at(-1)?.token).toMatch(/^ey/);
      expect(server.calls.at(-1)?.token).not.toBe(before);
    });

    test('the widget shows a failed renewal, the expiry and the recovery', async () => {
      const { source } = await showChat();
      await pass(2 * SECOND);
      source.answer = status(503);
      await pass(59 * MINUTE + 10 * SECOND);
      expect(line()).toBe('Connected. The renewal will be tried again.');
      await pass(MINUTE);
      expect(line()).toBe('The connection failed.');
      expect(screen.getByText(/^Next try in \d+ s\.$/)).toBeInTheDocument();
      source.answer = issuing(HOUR);
      await act(async () => screen.getByText('Try now').click());
      await pass(SECOND);
      expect(line()).toBe('Connected');
    });

    test('the widget shows no connection if its token expired during sleep', async () => {
      const { source } = await showChat();
      await pass(2 * SECOND);
      source.answer = down;
      sleepMachine(2 * HOUR);
      await focusWindow();
      await pass(10 * SECOND);
      expect(line()).toBe('The connection failed.');
      source.answer = issuing(HOUR);
      await pass(5 * MINUTE);
      expect(line()).toBe('Connected');
    });

    test('the widget closes on sign-out and opens on sign-in', async () => {
      const { page, server } = await showChat();
      await pass(2 * SECOND);
      page.update({ externalId: null });
      await pass(SECOND);
      expect(line()).toBe('Signed out');
      expect(screen.getByLabelText('Your message')).toBeDisabled();
      const calls = server.calls.length;
      page.update({ externalId: 'ben' });
      await pass(2 * SECOND);
      expect(line()).toBe('Connected');
      expect(screen.getByLabelText('Your message')).toBeEnabled();
      await write('Hello');
      expect(server.calls.length).toBeGreaterThan(calls);
    });
  },
);
