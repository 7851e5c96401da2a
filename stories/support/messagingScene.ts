import { http } from 'msw';
import { genesysSandbox } from '../../src/sandbox/genesysSandbox.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import {
  authenticatedWebMessaging,
  type SignInGrant,
} from '../../src/server/issuers/authenticatedWebMessaging.ts';
import { type Scene, VISITOR } from './scene.ts';

export interface MessagingScene extends Scene {
  /** The visitor comes back from the identity provider, with a code (PKCE). */
  signIn(): Promise<void>;
  /** A conversation of an earlier visit, without an account. */
  talkEarlier(sessionId: string, text: string): void;
}

const REDIRECT_URI = `${location.origin}/signed-in`;

/** Genesys' Web Messaging as the sandbox plays it, the real broker, and a played identity provider. */
export function openMessagingScene(): MessagingScene {
  const sandbox = genesysSandbox();
  const { deploymentId } = sandbox;
  let grant: SignInGrant | null = null;
  const broker = createGuestTokenBroker({
    issuer: authenticatedWebMessaging({
      deploymentId,
      fetch: sandbox.fetch,
      grant() {
        const unused = grant;
        grant = null;
        return unused;
      },
    }),
    authorize: async () => ({ externalId: VISITOR }),
  });
  const handlers = [
    http.post('*/api/guest-token', ({ request }) => broker(request)),
    ...sandbox.handlers,
  ];
  return {
    sandbox,
    handlers,
    async signIn() {
      const codeVerifier = crypto.randomUUID() + crypto.randomUUID();
      const codeChallenge = await challengeOf(codeVerifier);
      const code = sandbox.signIn({
        externalId: VISITOR,
        codeChallenge,
        redirectUri: REDIRECT_URI,
      });
      grant = { code, codeVerifier, redirectUri: REDIRECT_URI };
    },
    talkEarlier(token, text) {
      const handshake = sandbox.connect(`${sandbox.socketUrl}/v1?deploymentId=${deploymentId}`);
      if (typeof handshake !== 'function') throw new Error('The sandbox has refused the socket.');
      const nothing = (): void => undefined;
      const connection = handshake({ send: nothing, close: nothing, cut: nothing });
      const say = (frame: object): void => connection.receive(JSON.stringify({ token, ...frame }));
      say({ action: 'configureSession', deploymentId, startNew: false });
      say({ action: 'onMessage', message: { type: 'Text', text } });
      connection.closed();
    },
  };
}

/** RFC 7636, 4.2 */
async function challengeOf(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const base64 = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
