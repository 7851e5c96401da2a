import { type ReactNode, useState, useSyncExternalStore, version } from 'react';
import type { Instant } from '../core/clock.ts';
import { usableToken } from '../session/state.ts';
import { bugReport } from './bugReport.ts';
import type { InspectedSession } from './sessionLog.ts';
import { isSimulatedOffline, onNetworkChange, simulateOffline } from './simulatedOffline.ts';

/** What a developer can do to a session. */
export function Actions({
  inspected,
  now,
}: {
  inspected: InspectedSession;
  now: Instant;
}): ReactNode {
  const { session, state } = inspected;
  const [report, setReport] = useState<{ text: string; isCopied: boolean }>();
  const token = usableToken(state, now);

  async function copyReport(): Promise<void> {
    const page = {
      isVisible: document.visibilityState !== 'hidden',
      isSimulatedOffline: isSimulatedOffline(),
      reactVersion: version,
      userAgent: navigator.userAgent,
    };
    const text = bugReport(inspected, page, now);
    const isCopied = await copy(text);
    setReport({ text, isCopied });
  }

  return (
    <div className="actions">
      <div>
        {/* What it fails with is an event. */}
        <button type="button" onClick={() => session.refresh().catch(() => undefined)}>
          Refresh
        </button>
        <button
          type="button"
          disabled={!token}
          title="As if a server had refused the token"
          onClick={() => token && session.reject(token.value)}
        >
          Reject
        </button>
        <button
          type="button"
          disabled={!token}
          title="As if the token had run out"
          onClick={() => session.store.dispatch({ type: 'token-expired' })}
        >
          Expire
        </button>
        <OfflineButton />
        <button type="button" onClick={copyReport}>
          Copy bug report
        </button>
      </div>
      <p role="status">{report?.isCopied && 'Copied. It holds no token and no visitor.'}</p>
      {report && !report.isCopied && (
        <label>
          The browser does not let the inspector copy; copy this:
          <textarea readOnly rows={6} value={report.text} />
        </label>
      )}
    </div>
  );
}

/** The whole page is offline for the package, until the inspector leaves the page. */
function OfflineButton(): ReactNode {
  const isOffline = useSyncExternalStore(onNetworkChange, isSimulatedOffline, () => false);
  return (
    <button type="button" aria-pressed={isOffline} onClick={() => simulateOffline(!isOffline)}>
      Simulate offline
    </button>
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // not allowed, or not a secure page
  }
}
