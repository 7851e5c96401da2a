import { listen } from '../../src/bin/httpServer.ts';
import { startSandbox } from '../../src/bin/sandboxServer.ts';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { authenticatedWebMessaging } from '../../src/server/issuers/authenticatedWebMessaging.ts';
import { bundlePage } from './bundle.ts';

/** A shop whose visitors sign in to chat: its broker, and Genesys' Web Messaging behind the same port. */
export interface MessengerSite {
  readonly sandbox: SandboxCloud;
  /** A page of a visitor who comes from the sign-in, with a code that is used once. */
  page(visitor: string, session: string): string;
  close(): Promise<void>;
}

const REDIRECT_URI = 'https://shop.example/signed-in';

export async function openMessengerSite(): Promise<MessengerSite> {
  const script = await bundlePage('messenger');
  const sandbox = createSandboxCloud();
  const genesys = await startSandbox(sandbox);
  const codes = new Map<string, string>();
  const broker = createGuestTokenBroker({
    issuer: authenticatedWebMessaging({
      deploymentId: sandbox.deploymentId,
      fetch: sandbox.fetch,
      grant({ externalId }) {
        const code = codes.get(externalId);
        codes.delete(externalId);
        return code === undefined ? null : { code, redirectUri: REDIRECT_URI };
      },
    }),
    // in place of a session cookie
    async authorize({ headers }) {
      const externalId = new URL(headers.get('Referer') ?? '').searchParams.get('visitor');
      return externalId === null ? null : { externalId };
    },
  });
  const shop = await listen(
    { port: 0, hostname: '127.0.0.1', onUpgrade: genesys.upgrade },
    (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/api/guest-token') return broker(request);
      if (pathname === '/messenger.js') return file('text/javascript', script);
      return genesys.answer(request) ?? file('text/html', HTML);
    },
  );
  return {
    sandbox,
    page(visitor, session) {
      codes.set(visitor, sandbox.signIn({ externalId: visitor, redirectUri: REDIRECT_URI }));
      return `${shop.url}/?${new URLSearchParams({ visitor, session })}`;
    },
    async close() {
      await Promise.all([shop.close(true), genesys.close(true)]);
    },
  };
}

const HTML = `<!doctype html>
<html lang="en">
<title>A shop with a messenger</title>
<link rel="icon" href="data:,">
<main></main>
<script type="module" src="/messenger.js"></script>
</html>`;

function file(type: string, body: string): Response {
  return new Response(body, { headers: { 'Content-Type': type } });
}
