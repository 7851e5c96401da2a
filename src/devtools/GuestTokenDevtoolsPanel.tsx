import type { ReactNode } from 'react';
import { type DevtoolsTheme, Isolated } from './Isolated.tsx';
import { Panel } from './Panel.tsx';

export interface GuestTokenDevtoolsPanelProps {
  /** Default `"system"`: as the browser prefers. */
  theme?: DevtoolsTheme | undefined;
}

/** The inspector of all guest tokens on the page, as wide as the place it is given. */
export function GuestTokenDevtoolsPanel({
  theme = 'system',
}: GuestTokenDevtoolsPanelProps): ReactNode {
  return (
    <Isolated theme={theme}>
      <section className="embedded" aria-label="Guest token inspector">
        <Panel />
      </section>
    </Isolated>
  );
}
