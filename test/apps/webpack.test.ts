// The webpack quick start: the widget of the Vite quick start.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, freePort, installApp } from './app.ts';
import { filesOfPage } from './docs.ts';
import { expectTokenAndRenewal, startBroker } from './visit.ts';

describe('an app of webpack', () => {
  let app: App;
  beforeAll(async () => {
    app = await installApp('webpack');
    await app.write('src/App.tsx', filesOfPage('quickStarts/vite').get('src/App.tsx') ?? '');
    const broker = await startBroker(app);
    await app.edit('webpack.config.js', '8787', broker.port);
  });
  afterAll(() => app.close());

  it.each(['development', 'production'])(
    'gets and renews a token through the proxy, in mode %s',
    async (mode) => {
      const port = String(await freePort());
      // React alone is larger than webpack recommends
      const options = ['--mode', mode, '--config-node-env', mode, '--no-performance'];
      const command = ['npx', 'webpack', 'serve', '--port', port] as const;
      const { stop } = await app.start(/compiled/, ...command, ...options);
      await expectTokenAndRenewal(`http://localhost:${port}/`);
      await stop();
    },
  );

  it('builds without a warning', async () => {
    const printed = await app.run('npm', 'run', 'build', '--', '--no-performance');
    expect(printed).toMatch(/compiled successfully/);
  });
});
