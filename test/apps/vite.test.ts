// The Vite quick start, with React 19 and 18.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, freePort, installApp } from './app.ts';
import { filesOfPage } from './docs.ts';
import { expectTokenAndRenewal, startBroker } from './visit.ts';

it.each(['src/App.tsx', 'vite.config.ts'])('%s is what the Vite page shows', async (file) => {
  const own = await readFile(new URL(`./vite/${file}`, import.meta.url), 'utf8');
  expect(own).toBe(filesOfPage('quickStarts/vite').get(file));
});

const apps = [
  { react: '19', folders: ['vite'], tags: ['short'] },
  { react: '18', folders: ['vite', 'vite18'], tags: [] },
];
for (const { react, folders, tags } of apps) {
  describe(`an app of Vite with React ${react}`, { tags }, () => {
    let app: App;
    beforeAll(async () => {
      app = await installApp(...folders);
    });
    afterAll(() => app.close());

    it('has that version of React', async () => {
      const manifest = await readFile(join(app.folder, 'node_modules/react/package.json'), 'utf8');
      expect(JSON.parse(manifest).version).toMatch(new RegExp(`^${react}\\.`));
    });

    it('gets and renews a token in development, through the proxy', async () => {
      const broker = await startBroker(app);
      await app.edit('vite.config.ts', '8787', broker.port);
      const port = String(await freePort());
      const vite = ['run', 'dev', '--', '--host', '127.0.0.1', '--port', port] as const;
      await app.start(/Local: +http/, 'npm', ...vite);
      await expectTokenAndRenewal(`http://127.0.0.1:${port}/`);
    });

    it('type-checks, and builds without a warning', async () => {
      expect(await app.run('npm', 'run', 'build')).not.toMatch(/warn|error/i);
    });
  });
}
