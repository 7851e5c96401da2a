import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react';
import { moodOf } from './mood.ts';
import { SessionView } from './SessionView.tsx';
import type { InspectedSession } from './sessionLog.ts';

/** What is inside the drawer and the embedded panel. */
export function Panel({ sessions }: { sessions: readonly InspectedSession[] }): ReactNode {
  const [chosenId, setChosenId] = useState<number>();
  const panelId = useId();
  const shown =
    sessions.find(({ id }) => id === chosenId) ??
    // A client may still have the sessions of visitors whom nobody shows any more.
    sessions.find(({ state }) => state.isWatched) ??
    sessions[0];
  return (
    <>
      <h2>Guest tokens</h2>
      {shown ? (
        <>
          {sessions.length > 1 && (
            <Tabs sessions={sessions} shown={shown} choose={setChosenId} panelId={panelId} />
          )}
          <div
            id={panelId}
            {...(sessions.length > 1 && { role: 'tabpanel', 'aria-label': nameOf(shown) })}
          >
            <SessionView key={shown.id} inspected={shown} />
          </div>
        </>
      ) : (
        <p className="none">
          No visitor is on this page: there is no GuestTokenProvider, or its externalId is null.
        </p>
      )}
    </>
  );
}

interface TabsProps {
  sessions: readonly InspectedSession[];
  shown: InspectedSession;
  choose: (id: number) => void;
  panelId: string;
}

/** One tab for each session; arrow keys, Home and End move between them. */
function Tabs({ sessions, shown, choose, panelId }: TabsProps): ReactNode {
  const list = useRef<HTMLDivElement>(null);

  function onKeyDown(event: KeyboardEvent): void {
    const last = sessions.length - 1;
    const index = sessions.indexOf(shown);
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: index > 0 ? index - 1 : last,
      ArrowRight: index < last ? index + 1 : 0,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    const session = target === undefined ? undefined : sessions[target];
    if (target === undefined || !session) return;
    event.preventDefault();
    choose(session.id);
    list.current?.querySelectorAll('button')[target]?.focus();
  }

  return (
    <div role="tablist" aria-label="Visitors" ref={list} onKeyDown={onKeyDown}>
      {sessions.map((one) => (
        <button
          key={one.id}
          type="button"
          role="tab"
          aria-selected={one === shown}
          aria-controls={panelId}
          tabIndex={one === shown ? 0 : -1}
          data-mood={moodOf([one])}
          onClick={() => choose(one.id)}
        >
          {nameOf(one)}
        </button>
      ))}
    </div>
  );
}

/** Two clients may each have a session of one visitor: the number tells them apart. */
function nameOf({ id, session }: InspectedSession): string {
  return `${session.store.settings.externalId} #${id}`;
}
