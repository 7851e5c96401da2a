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
  timeout: 30_000,
  use: { launchOptions: await pinnedLaunchOptions() },
});
