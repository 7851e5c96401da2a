import { DocsContainer, type DocsContainerProps } from '@storybook/addon-docs/blocks';
import { type ReactNode, useSyncExternalStore } from 'react';
import { prefersDark, systemTheme } from '../theme.ts';
import './docs.css';

function subscribe(notify: () => void): () => void {
  prefersDark.addEventListener('change', notify);
  return () => prefersDark.removeEventListener('change', notify);
}

/** The frame of every docs page, light or dark as the reader's system is. */
export function DocsPage(props: DocsContainerProps): ReactNode {
  const theme = useSyncExternalStore(subscribe, systemTheme);
  return <DocsContainer {...props} theme={theme} />;
}
