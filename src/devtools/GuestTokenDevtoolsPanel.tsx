import type { QueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useSessions } from './hooks.ts';
import { type DevtoolsTheme, Isolated } from './Isolated.tsx';
import { Panel } from './Panel.tsx';

export interface GuestTokenDevtoolsPanelProps {
  /** Shows the visitors of this client only. Default: those of all clients on the page. */
  client?: QueryClient | undefined;
  /** Default `"system"`: as the browser prefers. */
  theme?: DevtoolsTheme | undefined;
}

/** The inspector of all guest tokens on the page, as wide as the place it is given. */
export function GuestTokenDevtoolsPanel({
  client,
  theme = 'system',
}: GuestTokenDevtoolsPanelProps): ReactNode {
  const sessions = useSessions(client);
  return (
    <Isolated theme={theme}>
      <section className="embedded" aria-label="Guest token inspector">
        <Panel sessions={sessions} />
      </section>
    </Isolated>
  );
}
