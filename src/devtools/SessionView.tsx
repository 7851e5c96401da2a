import type { ReactNode } from 'react';
import { Actions } from './Actions.tsx';
import { describeEvent, timeOfDay } from './describeEvent.ts';
import { duration } from './duration.ts';
import { useIsVisible, useNow } from './hooks.ts';
import { moodOf } from './mood.ts';
import type { InspectedSession } from './sessionLog.ts';
import { TimelineView } from './TimelineView.tsx';
import { timelineOf } from './timeline.ts';
import { nextCheckText, stateText, whyOf } from './why.ts';

/** All about one session. */
export function SessionView({ inspected }: { inspected: InspectedSession }): ReactNode {
  const { session, state, events, changedAt } = inspected;
  const tick = useNow();
  const isVisible = useIsVisible();
  const now = changedAt.monotonicMs > tick.monotonicMs ? changedAt : tick;
  const { reason, next } = whyOf(state, session.store.settings, isVisible, now);
  return (
    <div className="session">
      <div>
        {/* Read out when it changes; the countdowns below are not. */}
        <p className="state" role="status" data-mood={moodOf([inspected])}>
          {stateText(state, now)}
        </p>
        <p className="why">
          {reason} {nextCheckText(next)}
        </p>
        <TimelineView timeline={timelineOf(state, events, now)} />
        <Actions inspected={inspected} now={now} />
        <Details inspected={inspected} />
      </div>
      <Events inspected={inspected} />
    </div>
  );
}

function Details({ inspected }: { inspected: InspectedSession }): ReactNode {
  const { session, state } = inspected;
  const { settings } = session.store;
  const { held } = state;
  const rows: readonly (readonly [string, ReactNode])[] = [
    ['externalId', settings.externalId],
    ['channelId', settings.channelId],
    ['source', settings.source.key ?? 'a function'],
    ['keepFresh', settings.keepFresh],
    ['expiryBufferMs', `${settings.expiryBufferMs}, in use: ${held ? held.bufferMs : 'none'}`],
    ['retry.attempts', settings.retry.attempts],
    ['shareAcrossTabs', String(settings.shareAcrossTabs)],
    ['storage', settings.storage],
    ['Visitor at Genesys', held?.token.visitorId ?? 'none'],
    [
      'Life of the token',
      held ? `${duration(held.token.lifeMs)}, from ${held.token.expirySource}` : 'none',
    ],
    ['Last failure', state.failure?.error.code ?? 'none'],
  ];
  return (
    <details>
      <summary>Settings and token</summary>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Events({ inspected: { events } }: { inspected: InspectedSession }): ReactNode {
  return (
    <section className="events" aria-label="Events">
      <h3>Events (UTC)</h3>
      {events.length === 0 ? (
        <p className="none">Nothing has happened since the inspector came to the page.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable by keyboard
        <ol reversed tabIndex={0} aria-label="Events, latest first">
          {events.toReversed().map((event, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: counted from the oldest, it is the event's own
            <li key={events.length - index} data-event={event.type}>
              <time dateTime={new Date(event.atMs).toISOString()}>{timeOfDay(event.atMs)}</time>{' '}
              <b>{event.type}</b> {describeEvent(event)}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
