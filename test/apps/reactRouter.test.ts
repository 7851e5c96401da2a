// The React Router quick start: framework mode, a broker in a resource route, server rendering.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, freePort, installApp, type Running } from './app.ts';
import { blockOfPage, writeFilesOfPage } from './docs.ts';
import { expectTokenAndRenewal, startBroker } from './visit.ts';

describe('an app of React Router', () => {
  let app: App;
  let broker: Running & { port: string };
  beforeAll(async () => {
    app = await installApp('reactRouter');
    await writeFilesOfPage(app, 'quickStarts/reactRouter');
    broker = await startBroker(app);
  });
  afterAll(() => app.close());

  /** Starts the app in the environment that the page sets up. */
  async function start(command: string, ready: RegExp): Promise<Running & { url: string }> {
    const port = String(await freePort());
    const page = blockOfPage('quickStarts/reactRouter', 'npm run dev');
    const script = page.replaceAll('8787', broker.port).replace('npm run dev', command);
    app.env.PORT = port;
    const running = await app.start(ready, 'sh', '-c', script.replace('PORT', port));
    return { ...running, url: `http://localhost:${port}/` };
  }

  it('gets and renews a token in development', async () => {
    const { url, stop } = await start('npm run dev -- --port PORT', /Local: +http/);
    await expectTokenAndRenewal(url);
    await stop();
  });

  it('type-checks and builds', async () => {
    await app.run('npm', 'run', 'typecheck');
    expect(await app.run('npm', 'run', 'build')).not.toMatch(/\b(warning|warn|error)\b/i);
  });

  it('renders on the server without a request for a token, and gets and renews one in production', async () => {
    const { url, stop } = await start('npm run start', /http:\/\/localhost/);
    const printed = broker.printed();
    const html = await (await fetch(url)).text();
    expect(html).toContain('<p>Connecting…</p>');
    expect(broker.printed()).toBe(printed);
    await expectTokenAndRenewal(url);
    await stop();
  });
});
