import type { ReactElement } from 'react';
import { GuestTokenDevtoolsPanel } from './GuestTokenDevtoolsPanel.tsx';

/** What `plugins` of `<TanStackDevtools>` takes. */
export interface GuestTokenDevtoolsPlugin {
  readonly id: string;
  readonly name: string;
  readonly render: (element: HTMLElement, theme: 'light' | 'dark') => ReactElement;
}

/**
 * The inspector as a plugin of TanStack Devtools.
 *
 * @example
 * <TanStackDevtools plugins={[guestTokenDevtoolsPlugin()]} />
 */
export function guestTokenDevtoolsPlugin(): GuestTokenDevtoolsPlugin {
  return {
    id: 'react-guest-token',
    name: 'Guest token',
    render: (_element, theme) => <GuestTokenDevtoolsPanel theme={theme} />,
  };
}
