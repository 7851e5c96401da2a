import { QueryClient } from '@tanstack/react-query';
import { sessionOpener } from '../../src/session/guestTokenQuery.ts';
import type { GuestTokenSession } from '../../src/session/session.ts';
import { type GuestTokenConfig, guestTokenSettings } from '../../src/session/settings.ts';

/** The session of "ada", or of whom `config` names, on a client of its own or on the one given. */
export function openSession(
  config: Partial<GuestTokenConfig>,
  client?: QueryClient,
): GuestTokenSession {
  const settings = guestTokenSettings({ externalId: 'ada', ...config });
  const session = sessionOpener(client ?? new QueryClient(), settings, !client)();
  if (!session) throw new Error('A visitor has a session.');
  return session;
}
