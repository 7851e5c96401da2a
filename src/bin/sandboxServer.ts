import type { ServerRequest } from 'srvx';
import type { SandboxCloud } from '../sandbox/sandboxCloud.ts';
import { listen, type UpgradeHandler } from './httpServer.ts';
import { authorize } from './sandboxIdentityProvider.ts';
import { sandboxUpgrades } from './sandboxSockets.ts';

export interface SandboxServer {
  /** Where Genesys' login and API hosts are: as its JavaScript SDK's gateway setting wants them. */
  readonly loginUrl: string;
  readonly apiUrl: string;
  /** Where the Web Messaging socket is, without `/v1`. */
  readonly socketUrl: string;
  /** Opens the Web Messaging socket at `/webmessaging/v1`, on another server too. */
  readonly upgrade: UpgradeHandler;
  /** Answers what is the sandbox's, on another server too: `/login/…`, `/api/api/…` and `/idp/authorize`. Undefined: not its path. */
  answer(request: ServerRequest): Promise<Response> | undefined;
  close(cut?: boolean): Promise<void>;
}

/** Plays Genesys Cloud on a free port of this machine. */
export async function startSandbox(sandbox: SandboxCloud): Promise<SandboxServer> {
  const answer = (request: ServerRequest): Promise<Response> | undefined => {
    const asked = new URL(request.url);
    if (asked.pathname === '/idp/authorize') return Promise.resolve(authorize(sandbox, asked));
    const url = sandboxUrl(sandbox, asked);
    return url === undefined ? undefined : forward(sandbox, request, url);
  };
  const upgrade = sandboxUpgrades(sandbox);
  const { url, close } = await listen(
    { port: 0, hostname: '127.0.0.1', onUpgrade: upgrade },
    (request) => answer(request) ?? new Response(null, { status: 404 }),
  );
  return {
    loginUrl: `${url}/login`,
    apiUrl: `${url}/api`,
    socketUrl: `${url.replace(/^http/, 'ws')}/webmessaging`,
    upgrade,
    answer,
    close,
  };
}

function sandboxUrl(sandbox: SandboxCloud, { pathname, search }: URL): string | undefined {
  if (pathname.startsWith('/login/')) return `${sandbox.loginUrl}${pathname.slice(6)}${search}`;
  if (pathname.startsWith('/api/api/')) return `${sandbox.apiUrl}${pathname.slice(4)}${search}`;
  return undefined;
}

async function forward(
  sandbox: SandboxCloud,
  request: ServerRequest,
  url: string,
): Promise<Response> {
  const { method, headers, signal } = request;
  const body = (await request.text()) || null;
  try {
    return await sandbox.fetch(url, { method, headers, signal, body });
  } catch {
    // a cut connection, or a caller who has hung up: nobody gets an answer
    request.runtime?.node?.req.socket.destroy();
    return new Response(null, { status: 502 });
  }
}
