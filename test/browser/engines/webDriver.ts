import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startDisplay } from './display.ts';
import type { Engine, Profile, Tab } from './engine.ts';
import { WEBKIT_BROWSER } from './installed.ts';

/** How often a page is asked whether what runs in it has ended. */
const POLL_MS = 15;

/** Sends one command of the WebDriver protocol. */
type Send = <Value>(method: string, path: string, body?: unknown) => Promise<Value>;

/**
 * WebKitGTK, by its own driver. A tab behind another one is hidden. The protocol has no profiles and
 * tells nothing of what a page prints: closed tabs leave nothing to the next, and strays go unseen.
 */
export async function launchWebKit(): Promise<Engine> {
  const display = await startDisplay();
  const port = await freePort();
  const driver = spawn('WebKitWebDriver', ['-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: display.name, NO_AT_BRIDGE: '1' },
  });
  const ended = once(driver, 'exit');
  const driverUrl = `http://127.0.0.1:${port}`;
  while (!(await isReady(driverUrl))) await delay(POLL_MS);

  const sendToDriver = sender(driverUrl);
  const { sessionId } = await sendToDriver<{ sessionId: string }>('POST', '/session', {
    capabilities: {
      alwaysMatch: {
        'webkitgtk:browserOptions': { binary: WEBKIT_BROWSER, args: ['--automation'] },
      },
    },
  });
  const windows = new Windows(sender(`${driverUrl}/session/${sessionId}`));
  await windows.start();
  return {
    newProfile: async () => profile(windows),
    async close() {
      await sendToDriver('DELETE', `/session/${sessionId}`);
      driver.kill();
      await ended;
      display.close();
    },
  };
}

/** The driver has one current window, which each command is for. */
class Windows {
  readonly #send: Send;
  /** Stays open, since the browser ends with its last window. */
  #first = '';
  #latest: Promise<unknown> = Promise.resolve();

  constructor(send: Send) {
    this.#send = send;
  }

  async start(): Promise<void> {
    this.#first = await this.#send('GET', '/window');
  }

  open(type: 'tab' | 'window'): Promise<string> {
    return this.in(this.#first, async (send) => {
      const { handle } = await send<{ handle: string }>('POST', '/window/new', { type });
      return handle;
    });
  }

  /** Sends commands to a window, after those that are under way. */
  in<Value>(handle: string, work: (send: Send) => Promise<Value>): Promise<Value> {
    const result = this.#latest.then(async () => {
      await this.#send('POST', '/window', { handle });
      return work(this.#send);
    });
    this.#latest = result.catch(() => undefined);
    return result;
  }
}

function profile(windows: Windows): Profile {
  const tabs = new Set<Tab>();
  return {
    async newTab({ hidden = false } = {}) {
      const opened = tab(windows, await windows.open(hidden ? 'tab' : 'window'), () =>
        tabs.delete(opened),
      );
      tabs.add(opened);
      return opened;
    },
    async close() {
      for (const each of tabs) await each.close();
    },
  };
}

function tab(windows: Windows, handle: string, onClosed: () => void): Tab {
  /** Neither waits for a promise of the page, which would hold up the commands for other tabs. */
  function run<Value>(script: string): Promise<Value> {
    return windows.in(handle, (send) => send('POST', '/execute/sync', { script, args: [] }));
  }

  async function evaluate<Argument, Result>(
    work: (argument: Argument) => Result,
    argument?: Argument,
  ): Promise<Awaited<Result>> {
    const key = JSON.stringify(crypto.randomUUID());
    await run(`
      const outcomes = window.outcomes ??= {};
      outcomes[${key}] = null;
      (async () => (${work})(${JSON.stringify(argument)}))().then(
        (value) => { outcomes[${key}] = JSON.stringify({ value }) },
        (error) => { outcomes[${key}] = JSON.stringify({ error: String(error) }) },
      );`);
    for (;;) {
      const outcome = await run<string | null>(`
        const { [${key}]: outcome, ...others } = window.outcomes ?? {};
        if (outcome !== null) window.outcomes = others;
        return outcome === undefined ? '{"error":"The page is another one now."}' : outcome;`);
      if (outcome !== null) {
        const { value, error } = JSON.parse(outcome);
        if (error !== undefined) throw new Error(error);
        return value;
      }
      await delay(POLL_MS);
    }
  }

  return {
    goto: (url) => windows.in(handle, (send) => send('POST', '/url', { url })),
    evaluate,
    async close() {
      onClosed();
      await windows.in(handle, (send) => send('DELETE', '/window'));
    },
  };
}

function sender(baseUrl: string): Send {
  return async (method, path, body) => {
    const response = await fetch(baseUrl + path, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  };
}

async function isReady(driverUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${driverUrl}/status`)).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
