import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useGuestToken } from '../../src/index.ts';
import './chat.css';
import { ConnectionLine } from './ConnectionLine.tsx';
import { useMessages } from './useMessages.ts';

export interface ChatWidgetProps {
  /** Genesys' API. */
  apiUrl: string;
  conversationId: string;
}

/** A chat that a visitor can use: write a message, see the reply. */
export function ChatWidget({ apiUrl, conversationId }: ChatWidgetProps): ReactNode {
  const url = `${apiUrl}/api/v2/webchat/guest/conversations/${conversationId}/messages`;
  const { messages, isLoading, failed, sending, sendFailed, send } = useMessages(url);
  const { status } = useGuestToken();
  const [draft, setDraft] = useState('');
  const log = useRef<HTMLDivElement>(null);
  const inputId = useId();
  const count = messages.length + (sending ? 1 : 0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new message is what to scroll to
  useEffect(() => {
    log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [count]);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const text = draft.trim();
    if (text === '') return;
    send(text);
    setDraft('');
  }

  return (
    <section className="chat" aria-label="Chat">
      <header>
        <h2>Chat with us</h2>
        <ConnectionLine />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a log that scrolls must be reachable by keyboard */}
      <div className="log" role="log" aria-label="Messages" tabIndex={0} ref={log}>
        {count === 0 && <p className="empty">{emptyText(status, isLoading, failed)}</p>}
        <ol>
          {messages.map(({ id, fromVisitor, text }) => (
            <li key={id} data-from={fromVisitor ? 'visitor' : 'agent'}>
              <span className="who">{fromVisitor ? 'You' : 'Agent'}</span>
              <span className="text">{text}</span>
            </li>
          ))}
          {sending && (
            <li data-from="visitor" data-sending="">
              <span className="who">You</span>
              <span className="text">{sending}</span>
            </li>
          )}
        </ol>
      </div>
      {sendFailed && <p role="alert">The message was not sent. Please try again.</p>}
      <form onSubmit={submit}>
        <label htmlFor={inputId}>Your message</label>
        <input
          id={inputId}
          value={draft}
          autoComplete="off"
          placeholder="Write a message"
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit" disabled={status === 'idle'}>
          Send
        </button>
      </form>
    </section>
  );
}

function emptyText(status: string, isLoading: boolean, failed: boolean): string {
  if (status === 'idle') return 'Nobody is signed in.';
  if (failed) return 'The messages could not be loaded.';
  return status === 'success' && !isLoading ? 'No messages yet. Say hello!' : 'One moment, please.';
}
