// Tests of the built Storybook, as its readers open it: npm run test:site.
import { defineConfig } from 'playwright/test';
import { pinnedLaunchOptions } from './browser.ts';

export default defineConfig({
  testDir: '../test/site',
  outputDir: '../reports/site',
  snapshotPathTemplate: '{testDir}/pictures/{arg}{ext}',
  reporter: 'list',
  fullyParallel: true,
  workers: 2,
  // A busy machine takes its time.
  timeout: 60_000,
  expect: { timeout: 20_000 },
  use: { launchOptions: await pinnedLaunchOptions() },
});
