import type { ReactNode } from 'react';
import { secondsUntil, useNow } from '../support/useNow.ts';
import type { Line } from './connection.ts';

/** One quiet line about the connection; while all is well, a green dot and a word. */
export function ConnectionLine({ mood, text, retryAtMs, action }: Line): ReactNode {
  return (
    <div className="connection" data-mood={mood}>
      {/* Without the countdown, which would be read out each second. */}
      <p role="status">{text}</p>
      {retryAtMs !== undefined && <Countdown retryAtMs={retryAtMs} />}
      {action && (
        <button type="button" onClick={action.run} disabled={action.disabled}>
          {action.label}
        </button>
      )}
    </div>
  );
}

function Countdown({ retryAtMs }: { retryAtMs: number }): ReactNode {
  const now = useNow();
  return <span className="countdown">Next try in {secondsUntil(retryAtMs, now)} s.</span>;
}
