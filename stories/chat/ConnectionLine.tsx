import type { ReactNode } from 'react';
import { type GuestTokenView, useGuestToken } from '../../src/index.ts';
import { secondsUntil, useNow } from '../support/useNow.ts';

/** One quiet line about the connection; while all is well, a green dot and a word. */
export function ConnectionLine(): ReactNode {
  const view = useGuestToken();
  const { status, error, isFetching, refresh } = view;
  const troubled = status !== 'success' && error !== null;
  const mood = troubled ? 'bad' : isFetching || error ? 'busy' : status;

  function retry(): void {
    // What it fails with stands in `error`.
    refresh().catch(() => undefined);
  }

  return (
    <div className="connection" data-mood={mood}>
      {/* Without the countdown, which would be read out each second. */}
      <p role="status">{describe(view)}</p>
      {troubled && <Countdown />}
      {troubled && isOnline(view) && (
        <button type="button" onClick={retry} disabled={isFetching}>
          Try now
        </button>
      )}
    </div>
  );
}

function Countdown(): ReactNode {
  const { retryAtMs } = useGuestToken();
  const now = useNow();
  if (retryAtMs === undefined) return null;
  return <span className="countdown">Next try in {secondsUntil(retryAtMs, now)} s.</span>;
}

/** Offline there is nothing to try: it goes on by itself. */
function isOnline({ error, retryAtMs }: GuestTokenView): boolean {
  return error?.code !== 'unreachable' || retryAtMs !== undefined;
}

function describe(view: GuestTokenView): string {
  const { status, error, isFetching } = view;
  if (status === 'idle') return 'Signed out';
  if (status === 'success') {
    if (isFetching) return 'Renewing the connection…';
    return error ? 'Connected. The renewal will be tried again.' : 'Connected';
  }
  if (error === null) return 'Connecting…';
  if (!isOnline(view)) return 'You seem to be offline. We go on when you are back.';
  return error.code === 'rate_limited' ? 'Very busy right now.' : 'The connection failed.';
}
