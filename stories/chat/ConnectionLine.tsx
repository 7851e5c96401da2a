import type { ReactNode } from 'react';
import { useGuestToken } from '../../src/index.ts';
import { secondsUntil, useNow } from '../support/useNow.ts';

/** One quiet line about the connection; nothing while all is well. */
export function ConnectionLine(): ReactNode {
  const { status, error, retryAtMs, isRefreshing, refresh } = useGuestToken();
  const now = useNow();
  const wait = retryAtMs === undefined ? undefined : secondsUntil(retryAtMs, now);

  function retry(): void {
    // What it fails with stands in `error`.
    refresh().catch(() => undefined);
  }

  return (
    <div className="connection" data-status={status}>
      <p role="status">{describe()}</p>
      {status !== 'success' && error && wait !== undefined && (
        <>
          <span className="countdown">Next try in {wait} s.</span>
          <button type="button" onClick={retry}>
            Try now
          </button>
        </>
      )}
    </div>
  );

  function describe(): string {
    if (status === 'idle') return 'Sign in to chat with us.';
    if (status === 'success') {
      if (isRefreshing) return 'Renewing the connection…';
      return error ? 'Connected. The renewal failed and will be tried again.' : '';
    }
    if (error?.code === 'unreachable') return 'You seem to be offline.';
    if (error?.code === 'rate_limited') return 'Very busy right now.';
    if (error) return 'The connection failed.';
    return 'Connecting…';
  }
}
