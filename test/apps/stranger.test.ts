// A stranger's path: nothing but an empty folder and one page of the docs, to a token in Chromium. The
// templates are those of today, so this needs the npm registry.
import { afterEach, expect, it } from 'vitest';
import { type App, emptyApp, freePort } from './app.ts';
import { commandOfPage, writeFilesOfPage } from './docs.ts';
import { asTheNextPageSays, signIn } from './nextPage.ts';
import { expectTokenAndRenewal, startBroker } from './visit.ts';

const apps: App[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

/** What a page says to type first: creates the app, and installs the package and its peer. */
async function createApp(pageName: string, create: string): Promise<App> {
  const parent = await emptyApp();
  apps.push(parent);
  const [command = '', ...args] = commandOfPage(pageName, create).split(' ');
  await parent.run(command, ...args);
  const app = parent.at(commandOfPage(pageName, 'cd ').replace('cd ', ''));
  const install = 'npm install react-guest-token ';
  await app.install(...commandOfPage(pageName, install).replace(install, '').split(' '));
  await writeFilesOfPage(app, pageName);
  return app;
}

/** Tells how long it took from the first command to the token on the screen and its renewal. */
async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const startedAtMs = performance.now();
  await work();
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
  console.log(`${what}: ${seconds} s from an empty folder to a token`);
  expect(seconds).toBeLessThan(300);
}

it(
  'the Vite page leads from an empty folder to a token',
  () =>
    timed('Vite', async () => {
      const app = await createApp('quickStarts/vite', 'npm create vite');
      const broker = await startBroker(app);
      await app.edit('vite.config.ts', '8787', broker.port);
      const port = String(await freePort());
      await app.start(/Local: +http/, 'npm', 'run', 'dev', '--', '--port', port);
      await expectTokenAndRenewal(`http://localhost:${port}/`);
    }),
  400_000,
);

it(
  'the Next.js page leads from an empty folder to a token',
  () =>
    timed('Next.js', async () => {
      const app = await createApp('quickStarts/nextjs', 'npx create-next-app');
      const broker = await startBroker(app);
      await asTheNextPageSays(app, broker.port);
      const port = String(await freePort());
      await app.start(/Ready in/, 'npm', 'run', 'dev', '--', '--port', port);
      await expectTokenAndRenewal(`http://localhost:${port}/`, signIn);
    }),
  400_000,
);
