import type { GuestTokenIssuer } from '../server/issuers/issuer.ts';
import { webchatVisitors } from '../server/issuers/webchatVisitors.ts';
import type { SandboxServer } from './sandboxServer.ts';
import { UsageError } from './settings/readSettings.ts';
import type { GenesysSettings } from './settings/settings.ts';

/**
 * Guest tokens from Genesys, or from the sandbox. The sandbox brings credentials of its own; those
 * that are set are used against it all the same, so that a wrong secret can be tried.
 *
 * @param send makes the calls; default `fetch`
 *
 * @throws UsageError for missing credentials
 */
export function makeIssuer(
  settings: GenesysSettings,
  sandbox: SandboxServer | undefined,
  send?: typeof fetch,
): GuestTokenIssuer {
  const { environment, channelId } = settings;
  return webchatVisitors({
    ...credentialsOf(settings),
    environment,
    channelId,
    apiUrl: sandbox?.apiUrl ?? settings.apiUrl,
    loginUrl: sandbox?.loginUrl ?? settings.loginUrl,
    fetch: send,
  });
}

/** @throws UsageError that names the variables */
function credentialsOf({ sandbox, ...given }: GenesysSettings): {
  clientId: string;
  clientSecret: string;
} {
  const clientId = given.clientId ?? (sandbox ? 'sandbox-client' : '');
  const clientSecret = given.clientSecret ?? (sandbox ? 'sandbox-secret' : '');
  const missing = [
    ...(clientId ? [] : ['GENESYS_CLIENT_ID']),
    ...(clientSecret ? [] : ['GENESYS_CLIENT_SECRET']),
  ];
  if (missing.length === 0) return { clientId, clientSecret };
  throw new UsageError(
    `Set ${missing.join(' and ')} to your OAuth client's, or add --sandbox to try it without an account.`,
  );
}
