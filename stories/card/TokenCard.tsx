import type { ReactNode } from 'react';
import { type GuestTokenEvent, useGuestToken } from '../../src/index.ts';
import { secondsUntil, useNow } from '../support/useNow.ts';
import './card.css';

export interface TokenCardProps {
  /** The latest events, oldest first. */
  events: readonly GuestTokenEvent[];
}

/** What goes on with the token: its state, what is left of it, and what has happened. */
export function TokenCard({ events }: TokenCardProps): ReactNode {
  const { status, visitorId, expiresAtMs, error, retryAtMs, isRefreshing, refresh } =
    useGuestToken();
  const now = useNow();
  const left = expiresAtMs === undefined ? undefined : secondsUntil(expiresAtMs, now);
  const acquired = events.findLast((event) => event.type === 'acquired');
  const lifeMs = acquired?.type === 'acquired' ? acquired.lifeMs : undefined;

  return (
    <section className="card" aria-label="Guest token">
      <h2>
        Guest token <span data-status={status}>{status}</span>
      </h2>
      {left !== undefined && (
        <div className="life">
          <p>
            ends in <strong>{left} s</strong>
          </p>
          <meter aria-label="Life left" min={0} max={(lifeMs ?? 1) / 1000} value={left} />
        </div>
      )}
      <dl>
        <dt>Visitor</dt>
        <dd>{visitorId ?? '–'}</dd>
        <dt>Renewing</dt>
        <dd>{isRefreshing ? 'yes' : 'no'}</dd>
        <dt>Last failure</dt>
        <dd>{error?.code ?? 'none'}</dd>
        <dt>Next try</dt>
        <dd>{retryAtMs === undefined ? '–' : `in ${secondsUntil(retryAtMs, now)} s`}</dd>
      </dl>
      {error && <p className="hint">{error.hint}</p>}
      <button
        type="button"
        disabled={status === 'idle'}
        onClick={() => void refresh().catch(() => undefined)}
      >
        {status === 'error' ? 'Try again' : 'Refresh now'}
      </button>
      <h3>What happened</h3>
      {events.length === 0 && <p>Nothing yet.</p>}
      <ol>
        {events.slice(-8).map((event) => (
          <li key={`${event.atMs} ${event.type}`}>
            <time dateTime={new Date(event.atMs).toISOString()}>
              {new Date(event.atMs).toISOString().slice(11, 19)}
            </time>{' '}
            <b>{event.type}</b> {detail(event)}
          </li>
        ))}
      </ol>
    </section>
  );
}

function detail(event: GuestTokenEvent): string {
  switch (event.type) {
    case 'acquiring':
      return `request ${event.attempt}`;
    case 'acquired':
      return `for ${Math.round(event.lifeMs / 1000)} s`;
    case 'retrying':
      return `${event.code}, again in ${(event.delayMs / 1000).toFixed(1)} s`;
    case 'failed':
      return event.code;
    case 'clock-skew':
      return `clock ahead by ${Math.round(event.skewMs / 1000)} s`;
    default:
      return '';
  }
}
