// What no test may leave behind: a console line or a request that nobody expected.
import dns from 'node:dns';
import { format } from 'node:util';

const allowed: RegExp[] = [];
const strays: string[] = [];

/** Lets the running test print lines that match, with console.error or console.warn. */
export function allowConsole(pattern: RegExp): void {
  allowed.push(pattern);
}

/** Watches from now on. A test may still put its own spy over console. */
export function watchStrays(): void {
  for (const method of ['error', 'warn'] as const) {
    console[method] = (...args: unknown[]): void => {
      const line = format(...args);
      if (!allowed.some((pattern) => pattern.test(line))) strays.push(`console.${method}: ${line}`);
    };
  }
  // A mocked request opens no connection, a test server listens on 127.0.0.1: whoever asks for the
  // address of a name is on the way to the real network.
  const { lookup } = dns;
  dns.lookup = Object.assign((host: string, ...rest: unknown[]) => {
    // to listen there, Node asks for it too
    if (host === '127.0.0.1' || host === 'localhost')
      return Reflect.apply(lookup, dns, [host, ...rest]);
    strays.push(`a request that nobody answers, to ${host}`);
    const done = rest.at(-1);
    if (typeof done === 'function') done(new Error(`Nobody answers ${host} in this test.`));
  }, lookup);
}

/** What was left behind since the last call. */
export function takeStrays(): string[] {
  allowed.length = 0;
  return strays.splice(0);
}
