import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import './chat.css';
import { ConnectionLine } from './ConnectionLine.tsx';
import type { ChatConnection } from './connection.ts';
import { useWebChat } from './useWebChat.ts';

export interface ChatWidgetProps {
  /** Genesys' API. */
  apiUrl: string;
}

const outgoingNotes = { sending: 'Sending…', retrying: 'Trying again…', failed: 'Not sent.' };

/** A chat that a visitor can use: write a message, see the reply. */
export function ChatWidget({ apiUrl }: ChatWidgetProps): ReactNode {
  return <Chat {...useWebChat(apiUrl)} />;
}

/** The widget itself, whatever it is connected to. */
export function Chat(connection: ChatConnection): ReactNode {
  const { messages, loading, load, outgoing, send, status, line } = connection;
  const log = useRef<HTMLDivElement>(null);
  const count = messages.length + (outgoing ? 1 : 0);
  const isClosed = status === 'idle' || status === 'ended';

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new message is what to scroll to
  useEffect(() => {
    log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [count]);

  return (
    <section className="chat" aria-label="Chat">
      <header>
        <span className="logo" aria-hidden="true" />
        <div>
          <h2>Chat with us</h2>
          <ConnectionLine {...line} />
        </div>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a log that scrolls must be reachable by keyboard */}
      <div className="log" role="log" aria-label="Messages" tabIndex={0} ref={log}>
        {count === 0 && <Empty status={status} loading={loading} load={load} />}
        <ol>
          {messages.map(({ id, fromVisitor, text }) => (
            <li key={id} data-from={fromVisitor ? 'visitor' : 'agent'}>
              <span className="who">{fromVisitor ? 'You' : 'Agent'}</span>
              <span className="text">{text}</span>
            </li>
          ))}
          {outgoing && (
            <li data-from="visitor" data-state={outgoing.state}>
              <span className="who">You</span>
              <span className="text">{outgoing.text}</span>
              <span className="note">
                {outgoingNotes[outgoing.state]}{' '}
                {outgoing.state === 'failed' && (
                  <button type="button" disabled={isClosed} onClick={() => send(outgoing.text)}>
                    Send again
                  </button>
                )}
              </span>
            </li>
          )}
        </ol>
      </div>
      <Composer disabled={isClosed} send={send} />
    </section>
  );
}

function Empty({
  status,
  loading,
  load,
}: Pick<ChatConnection, 'loading' | 'load' | 'status'>): ReactNode {
  if (loading === 'failed') {
    return (
      <div className="empty">
        <p>The messages could not be loaded.</p>
        <button type="button" onClick={load}>
          Load again
        </button>
      </div>
    );
  }
  return <p className="empty">{emptyText(status, loading)}</p>;
}

function emptyText(status: string, loading: string): string {
  if (status === 'idle') return 'Sign in to chat with us.';
  if (status === 'ended') return 'Start a new chat to write to us.';
  if (status === 'error') return 'We will be with you as soon as we are connected.';
  if (status === 'success' && loading === 'no') return 'No messages yet. Say hello!';
  return loading === 'retrying' ? 'Still loading…' : 'One moment, please.';
}

function Composer({
  disabled,
  send,
}: {
  disabled: boolean;
  send: (text: string) => void;
}): ReactNode {
  const [draft, setDraft] = useState('');
  const inputId = useId();

  function submit(event: FormEvent): void {
    event.preventDefault();
    const text = draft.trim();
    if (text === '') return;
    send(text);
    setDraft('');
  }

  return (
    <form onSubmit={submit}>
      <label htmlFor={inputId}>Your message</label>
      <input
        id={inputId}
        value={draft}
        autoComplete="off"
        placeholder="Write a message"
        disabled={disabled}
        onChange={(event) => setDraft(event.target.value)}
      />
      <button type="submit" disabled={disabled}>
        Send
      </button>
    </form>
  );
}
