// The files of the Testing page as they are, in an app with Vitest and Storybook.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, freePort, installApp } from './app.ts';
import { commandOfPage, filesOfPage } from './docs.ts';
import { expectTokenAndRenewal, visit } from './visit.ts';

const PAGE = 'guides/testing';

/** Where the app has a file that a page names. */
function placeOf(file: string): string {
  const isInSrc = /\.tsx?$/.test(file) && !/^\.|config/.test(file);
  return isInSrc ? `src/${file}` : file;
}

let app: App;
beforeAll(async () => {
  app = await installApp('testing');
  const widget = [...filesOfPage('guides/widget')].filter(([file]) => file.startsWith('Chat'));
  for (const [file, text] of [...widget, ...filesOfPage(PAGE)]) {
    // Playwright has a runner of its own.
    if (!/playwright|\.spec\./.test(file)) await app.write(placeOf(file), text);
  }
});
afterAll(() => app.close());

it('the tests pass in Vitest', async () => {
  const printed = await app.run('npm', 'test');
  expect(printed).toMatch(/Tests +5 passed \(5\)/);
});

describe('the stories in Storybook', () => {
  let url: string;
  beforeAll(async () => {
    const [command = '', ...args] = commandOfPage(PAGE, 'npx msw init').split(' ');
    await app.run(command, ...args);
    const port = String(await freePort());
    url = `http://localhost:${port}/iframe.html`;
    await app.start(/Local:|started/, 'npm', 'run', 'storybook', '--', '--port', port);
  });

  it('show a conversation, whose token is renewed', () =>
    expectTokenAndRenewal(`${url}?id=chatpage--conversation`, undefined, /^Say hello$/));

  it('show what a visitor sees while Genesys is busy', async () => {
    const { page, close } = await visit(`${url}?id=chatpage--busy`);
    try {
      await page.getByText('The chat is not available.').waitFor({ timeout: 60_000 });
    } finally {
      await close();
    }
  });
});
