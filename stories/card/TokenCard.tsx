import { type ReactNode, useState } from 'react';
import { type GuestTokenEvent, useGuestToken } from '../../src/index.ts';
import { secondsUntil, useNow } from '../support/useNow.ts';
import { visitorText } from '../support/visitorText.ts';
import './card.css';

export interface TokenCardProps {
  /** The latest events, oldest first. */
  events: readonly GuestTokenEvent[];
}

/** What goes on with the token: its state, what is left of it, and what has happened. */
export function TokenCard({ events }: TokenCardProps): ReactNode {
  const { status, visitorId, error, isFetching, refresh } = useGuestToken();
  return (
    <section className="card" aria-label="Guest token">
      <h2>
        Guest token <span data-status={status}>{status}</span>
      </h2>
      <Life />
      <dl>
        <dt>Visitor</dt>
        <dd>{visitorId ?? '–'}</dd>
        <dt>Renewing</dt>
        <dd>{isFetching ? 'yes' : 'no'}</dd>
        <dt>Last failure</dt>
        <dd>{error?.code ?? 'none'}</dd>
        <dt>Next try</dt>
        <dd>
          <NextTry />
        </dd>
      </dl>
      {error && (
        <p className="hint" role="alert">
          {visitorText(error)}
        </p>
      )}
      <button
        type="button"
        disabled={status === 'idle'}
        onClick={() => void refresh().catch(() => undefined)}
      >
        {status === 'error' ? 'Try again' : 'Refresh now'}
      </button>
      <h3>What happened</h3>
      <Timeline events={events.slice(-8)} />
    </section>
  );
}

/** How much of the token's life is left. */
function Life(): ReactNode {
  const { expiresAtMs } = useGuestToken();
  if (expiresAtMs === undefined) return <p className="none">No token.</p>;
  return <Countdown key={expiresAtMs} expiresAtMs={expiresAtMs} />;
}

function Countdown({ expiresAtMs }: { expiresAtMs: number }): ReactNode {
  const now = useNow();
  const [startedAtMs] = useState(now);
  const left = secondsUntil(expiresAtMs, now);
  return (
    <div className="life">
      <p>
        ends in <strong>{duration(left)}</strong>
      </p>
      <meter
        aria-label="Life left"
        min={0}
        max={secondsUntil(expiresAtMs, startedAtMs)}
        value={left}
      />
    </div>
  );
}

function duration(seconds: number): string {
  if (seconds < 300) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 300 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function NextTry(): ReactNode {
  const { retryAtMs } = useGuestToken();
  const now = useNow();
  return retryAtMs === undefined ? '–' : `in ${secondsUntil(retryAtMs, now)} s`;
}

function Timeline({ events }: TokenCardProps): ReactNode {
  if (events.length === 0) return <p>Nothing yet.</p>;
  return (
    <ol>
      {events.map((event) => (
        <li key={`${event.atMs} ${event.type}`} data-event={event.type}>
          <time dateTime={new Date(event.atMs).toISOString()}>
            {new Date(event.atMs).toISOString().slice(11, 19)}
          </time>{' '}
          <b>{event.type}</b> {detail(event)}
        </li>
      ))}
    </ol>
  );
}

function detail(event: GuestTokenEvent): string {
  switch (event.type) {
    case 'acquiring':
      return event.fresh ? `request ${event.attempt}, for a new one` : `request ${event.attempt}`;
    case 'acquired':
      return `for ${Math.round(event.lifeMs / 1000)} s`;
    case 'retrying': {
      const when = event.delayMs === 0 ? 'at once' : `in ${(event.delayMs / 1000).toFixed(1)} s`;
      return `${event.code}, again ${when}`;
    }
    case 'failed':
      return event.code;
    case 'shared':
      return 'by another tab';
    case 'clock-skew':
      return `clock ahead by ${Math.round(event.skewMs / 1000)} s`;
    default:
      return '';
  }
}
