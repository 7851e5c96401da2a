import { createGuestTokenBroker } from '../server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../server/issuers/webchatVisitors.ts';
import type { SandboxServer } from './sandboxServer.ts';
import type { GenesysSettings } from './settings.ts';

type BrokerOptions = Parameters<typeof createGuestTokenBroker>[0];

/** The package's own broker, in front of Genesys or of the sandbox. */
export function makeBroker(
  { clientId, clientSecret, environment, channelId }: GenesysSettings,
  sandbox: SandboxServer | undefined,
  options: Pick<BrokerOptions, 'authorize' | 'allowedOrigins' | 'pool' | 'limits' | 'onEvent'>,
): ReturnType<typeof createGuestTokenBroker> {
  const issuer = webchatVisitors({
    clientId,
    clientSecret,
    environment,
    channelId,
    ...(sandbox && { apiUrl: sandbox.apiUrl, loginUrl: sandbox.loginUrl }),
  });
  return createGuestTokenBroker({ issuer, ...options });
}
