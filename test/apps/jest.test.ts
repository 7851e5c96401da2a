// The test kit in Jest with jsdom, whose fake timers fake more than Vitest's.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type App, installApp } from './app.ts';

let app: App;
beforeAll(async () => {
  app = await installApp('jest');
});
afterAll(() => app.close());

it('the tests of an app pass in Jest, and print nothing', async () => {
  const printed = await app.run('npm', 'test');
  expect(printed).toMatch(/Tests: +4 passed, 4 total/);
  expect(printed).not.toMatch(/console\.(warn|error)/);
});
