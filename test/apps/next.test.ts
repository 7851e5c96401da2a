// The Next.js quick start: app router, a broker in a route handler, visitors who sign in.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, freePort, installApp } from './app.ts';
import { writeFilesOfPage } from './docs.ts';
import { asTheNextPageSays, signIn } from './nextPage.ts';
import { expectTokenAndRenewal, startBroker } from './visit.ts';

describe('an app of Next.js', () => {
  let app: App;
  beforeAll(async () => {
    app = await installApp('next');
    await writeFilesOfPage(app, 'quickStarts/nextjs');
    const broker = await startBroker(app);
    await asTheNextPageSays(app, broker.port);
  });
  afterAll(() => app.close());

  async function expectTokenFrom(script: string): Promise<void> {
    const port = String(await freePort());
    const { stop } = await app.start(/Ready in/, 'npm', 'run', script, '--', '--port', port);
    await expectTokenAndRenewal(`http://localhost:${port}/`, signIn);
    await stop();
  }

  it('gets and renews a token in development', () => expectTokenFrom('dev'));

  it('builds, and gets and renews a token in production', async () => {
    expect(await app.run('npm', 'run', 'build')).toMatch(/ƒ \/api\/guest-token/);
    await expectTokenFrom('start');
  });
});
