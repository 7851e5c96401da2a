'use client';

export { GuestTokenDevtools, type GuestTokenDevtoolsProps } from './GuestTokenDevtools.tsx';
export {
  GuestTokenDevtoolsPanel,
  type GuestTokenDevtoolsPanelProps,
} from './GuestTokenDevtoolsPanel.tsx';
export {
  type GuestTokenDevtoolsPlugin,
  guestTokenDevtoolsPlugin,
} from './guestTokenDevtoolsPlugin.tsx';
export type { DevtoolsTheme } from './Isolated.tsx';
