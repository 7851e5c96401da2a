// `serve` in processes of its own, and a Genesys that the test plays on another port.
import { connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { startSandbox } from '../../src/bin/sandboxServer.ts';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { type BrokerProcess, startBroker } from './process.ts';

interface Serving {
  readonly broker: BrokerProcess;
  readonly url: string;
}

type Environment = Readonly<Record<string, string>>;

export interface Servers {
  /** `serve --sandbox` on a free port. */
  serve(env?: Environment, flags?: readonly string[]): Promise<Serving>;
  /** `serve` in front of a sandbox that the test can look into. */
  serveWithGenesys(env?: Environment): Promise<Serving & { genesys: SandboxCloud }>;
  /** A connection to it, closed after the test. */
  dial(url: string): Promise<Connection>;
}

interface Connection {
  readonly socket: Socket;
  /** All that came, once the other side has closed. */
  readonly closed: Promise<string>;
}

/** Servers and connections that end with the test that began them. */
export function testServers(): Servers {
  const cleanUps: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });

  async function started(args: readonly string[], env: Environment): Promise<Serving> {
    const broker = startBroker(['serve', '--port', '0', ...args], env);
    cleanUps.push(() => broker.child.kill('SIGKILL'));
    const [, url = ''] = await broker.printed(/"listening","url":"([^"]+)"/);
    return { broker, url };
  }

  return {
    serve: (env = {}, flags = []) => started(['--sandbox', ...flags], env),
    async serveWithGenesys(env = {}) {
      const genesys = createSandboxCloud();
      const server = await startSandbox(genesys);
      cleanUps.push(() => server.close(true));
      const serving = await started([], {
        GENESYS_CLIENT_ID: genesys.clientId,
        GENESYS_CLIENT_SECRET: genesys.clientSecret,
        GENESYS_API_URL: server.apiUrl,
        GENESYS_LOGIN_URL: server.loginUrl,
        GUEST_TOKEN_COOKIE_SECRET: 'a long and secret text, 32+ bytes',
        ...env,
      });
      return { ...serving, genesys };
    },
    async dial(url) {
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      cleanUps.push(() => socket.destroy());
      let received = '';
      socket.setEncoding('latin1').on('data', (part) => {
        received += part;
      });
      // a connection that is cut is closed all the same
      socket.on('error', () => undefined);
      const closed = new Promise<string>((resolve) => {
        socket.once('close', () => resolve(received));
      });
      await new Promise((resolve) => socket.once('connect', resolve));
      return { socket, closed };
    },
  };
}

/** Asks for a token, as a page does. */
export function ask(url: string, headers: Environment = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: '{}',
  });
}

export interface LogLine {
  readonly [name: string]: unknown;
}

/** What was logged so far, line by line. */
export function linesOf({ output }: BrokerProcess): LogLine[] {
  return output.stdout
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line));
}
