import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import {
  type GuestTokenEvent,
  GuestTokenProvider,
  type GuestTokenProviderProps,
} from '../../src/index.ts';
import { API_URL, VISITOR } from './scene.ts';
import './stage.css';

export interface StageProps extends Partial<Omit<GuestTokenProviderProps, 'children'>> {
  children: ReactNode | ((events: readonly GuestTokenEvent[]) => ReactNode);
}

/** A visitor's page: the provider, and a query client for the widget's own queries. */
export function Stage({ children, onEvent, ...config }: StageProps): ReactNode {
  const [client] = useState(() => new QueryClient());
  const [events, setEvents] = useState<readonly GuestTokenEvent[]>([]);
  return (
    <QueryClientProvider client={client}>
      <GuestTokenProvider
        externalId={VISITOR}
        origins={[API_URL]}
        // A pause and the request budget stay with a client: each story begins with its own.
        queryClient={client}
        // A story that lives on in another tab would lend its token to this one.
        shareAcrossTabs={false}
        {...config}
        onEvent={(event) => {
          setEvents((earlier) => [...earlier.slice(-40), event]);
          onEvent?.(event);
        }}
      >
        {typeof children === 'function' ? children(events) : children}
      </GuestTokenProvider>
    </QueryClientProvider>
  );
}
