import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useLayoutEffect } from 'react';
import { GuestTokenDevtoolsPanel } from '../../src/devtools/index.ts';
import type { KeepFresh } from '../../src/index.ts';
import { TokenCard } from '../card/TokenCard.tsx';
import { ChatWidget } from '../chat/ChatWidget.tsx';
import { hidePage } from '../support/hidden.ts';
import { goOffline } from '../support/offline.ts';
import { Stage } from '../support/Stage.tsx';
import { API_URL, VISITOR } from '../support/scene.ts';
import { Tab } from '../twoTabs/TwoTabs.tsx';
import './faultLab.css';
import type { Faults, Lab } from './lab.ts';

export interface FaultLabProps extends Faults {
  /** What the visitor sees. */
  widget: 'chat' | 'card';
  /** Ms before its end at which a token is replaced. */
  expiryBufferMs: number;
  keepFresh: KeepFresh;
  /** Attempts of one acquisition. */
  attempts: number;
  /** The page believes that nobody sees it. */
  hidden: boolean;
  /** The page believes that it has no network. */
  offline: boolean;
  /** A second page of the same visitor. */
  twoTabs: boolean;
}

/** What a visitor sees while things go wrong, and beside it why. */
export function FaultLab({ lab, ...props }: FaultLabProps & { lab: Lab }): ReactNode {
  const { widget, expiryBufferMs, keepFresh, attempts, hidden, offline, twoTabs, ...faults } =
    props;
  lab.set(faults);
  // Before the provider's own effects, which would ask for a token.
  useLayoutEffect(() => (hidden ? hidePage() : undefined), [hidden]);
  useLayoutEffect(() => (offline ? goOffline() : undefined), [offline]);
  return (
    <div className="lab">
      <Stage
        // A provider takes over other settings, but not another way to share.
        key={String(twoTabs)}
        expiryBufferMs={expiryBufferMs}
        keepFresh={keepFresh}
        retry={{ attempts, minDelayMs: 300, maxDelayMs: 2_000 }}
        shareAcrossTabs={twoTabs}
      >
        {(events) => (
          <>
            <div className="visitor">
              {widget === 'chat' ? <ChatWidget apiUrl={API_URL} /> : <TokenCard events={events} />}
              {twoTabs && <Tab title="Second tab" visitor={VISITOR} />}
            </div>
            <Inspector />
          </>
        )}
      </Stage>
    </div>
  );
}

/** Of this story's client only: the stories before may have left visitors in theirs. */
function Inspector(): ReactNode {
  return <GuestTokenDevtoolsPanel client={useQueryClient()} />;
}
