import { type AnyHandler, http } from 'msw';
import { type GenesysSandbox, genesysSandbox } from '../../src/sandbox/genesysSandbox.ts';
import type { SandboxCloudOptions } from '../../src/sandbox/sandboxCloud.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';

/** What stands behind one story: Genesys as the sandbox plays it, and the real broker before it. */
export interface Scene {
  readonly sandbox: GenesysSandbox;
  readonly handlers: readonly AnyHandler[];
}

/** Everybody in the stories; the page of a shop would know by its session. */
export const VISITOR = 'visitor-42';

export const API_URL = 'https://api.mypurecloud.com';

export function openScene(options: SandboxCloudOptions = {}): Scene {
  const sandbox = genesysSandbox(options);
  const { clientId, clientSecret } = sandbox;
  const broker = createGuestTokenBroker({
    issuer: webchatVisitors({ clientId, clientSecret, fetch: sandbox.fetch }),
    authorize: async () => ({ externalId: VISITOR }),
  });
  const handlers = [
    http.post('*/api/guest-token', ({ request }) => broker(request)),
    ...sandbox.handlers,
  ];
  return { sandbox, handlers };
}
