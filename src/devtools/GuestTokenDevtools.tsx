import type { QueryClient } from '@tanstack/react-query';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useSessions } from './hooks.ts';
import { type DevtoolsTheme, Isolated } from './Isolated.tsx';
import { moodOf } from './mood.ts';
import { Panel } from './Panel.tsx';

export interface GuestTokenDevtoolsProps {
  /** Shows the visitors of this client only. Default: those of all clients on the page. */
  client?: QueryClient | undefined;
  /** Whether the panel is open at first. Default false. */
  initialIsOpen?: boolean | undefined;
  /** The corner of the button. Default `"bottom-right"`. */
  buttonPosition?: 'bottom-left' | 'bottom-right' | 'top-left' | 'top-right' | undefined;
  /** Default `"system"`: as the browser prefers. */
  theme?: DevtoolsTheme | undefined;
}

/** A button in a corner of the page, which opens the inspector of all guest tokens on the page. */
export function GuestTokenDevtools({
  client,
  initialIsOpen = false,
  buttonPosition = 'bottom-right',
  theme = 'system',
}: GuestTokenDevtoolsProps): ReactNode {
  return (
    <Isolated theme={theme}>
      <Drawer client={client} initialIsOpen={initialIsOpen} buttonPosition={buttonPosition} />
    </Isolated>
  );
}

type DrawerProps = Pick<GuestTokenDevtoolsProps, 'client' | 'buttonPosition'> & {
  initialIsOpen: boolean;
};

function Drawer({ client, initialIsOpen, buttonPosition }: DrawerProps) {
  const [isOpen, setIsOpen] = useState(initialIsOpen);
  const sessions = useSessions(client);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLElement>(null);
  const wasToggled = useRef(false);

  useEffect(() => {
    // Not for a panel that is open at first: the page keeps its own focus.
    if (wasToggled.current) (isOpen ? panel : button).current?.focus();
  }, [isOpen]);

  function toggle(): void {
    wasToggled.current = true;
    setIsOpen(!isOpen);
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    toggle();
  }

  if (!isOpen) {
    return (
      <button
        type="button"
        className="toggle"
        ref={button}
        data-position={buttonPosition}
        data-mood={moodOf(sessions)}
        aria-label="Open the guest token inspector"
        onClick={toggle}
      >
        {/* a key whose bow is a clock */}
        <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
          <circle cx="8" cy="12" r="5.5" />
          <path d="M8 9v3l2 1.5M13.5 12H22v4M18.5 12v3" />
        </svg>
      </button>
    );
  }
  return (
    <section
      className="drawer"
      aria-label="Guest token inspector"
      ref={panel}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <button type="button" className="close" onClick={toggle}>
        Close
      </button>
      <Panel sessions={sessions} />
    </section>
  );
}
