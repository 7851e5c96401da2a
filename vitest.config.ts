import { fileURLToPath } from 'node:url';
import { storybookTest } from '@storybook/addon-vitest/vitest-plugin';
import react from '@vitejs/plugin-react';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { launchOptions } from './.ci/browser.ts';
import { reactCompiler } from './.ci/reactCompiler.ts';
import { tally } from './.ci/tally.ts';

// Stryker's workers and the run against React 18 are about the unit tests only.
const mutating = Boolean(process.env.STRYKER_MUTATOR_WORKER);
const onReact18 = process.env.REACT === '18';

/** The same tests against React 18, and everything that imports React with them. */
const react18: TestProjectInlineConfiguration = {
  resolve: {
    alias: [
      {
        find: /^(react|react-dom)(?=$|\/)/,
        replacement: fileURLToPath(new URL('.ci/react18/node_modules/$1', import.meta.url)),
      },
      // its CommonJS build would require the other React
      {
        find: /^@testing-library\/react$/,
        replacement: '@testing-library/react/dist/@testing-library/react.esm.js',
      },
    ],
  },
  test: { server: { deps: { inline: [/@testing-library\/react/, /@tanstack\/react-query/] } } },
};

const unit: TestProjectInlineConfiguration = {
  extends: true,
  ...(onReact18 && { resolve: react18.resolve }),
  test: {
    name: 'unit',
    environment: 'jsdom',
    include: ['test/**/*.test.{ts,tsx}'],
    // processes of their own would not see a mutant
    exclude: [
      'test/browser/**',
      'test/package/**',
      'test/runtimes/**',
      ...(mutating ? ['test/bin/**'] : []),
    ],
    setupFiles: ['test/setup.ts'],
    globalSetup: mutating ? [] : ['test/redis/notice.ts'],
    typecheck: { enabled: !mutating, include: ['test/types/**/*.test-d.{ts,tsx}'] },
    ...(onReact18 && react18.test),
  },
};

/** Looks at the built package; builds it first. */
const built: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'package', environment: 'node', include: ['test/package/**/*.test.ts'] },
};

/** The built package on Deno, Bun and workerd; `npm run test:runtimes` builds it and installs them. */
const runtimes: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'runtimes',
    environment: 'node',
    include: ['test/runtimes/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
};

/** Drives a real Chromium, several tabs of it, over real HTTP; after the unit tests, one file at a time. */
const browser: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'browser',
    environment: 'node',
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    sequence: { groupOrder: 1 },
  },
};

async function storybook(): Promise<TestProjectInlineConfiguration> {
  return {
    extends: true,
    plugins: [storybookTest({ configDir: '.storybook' })],
    test: {
      name: 'storybook',
      sequence: { groupOrder: 2 },
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: await launchOptions() }),
        instances: [{ browser: 'chromium' }],
      },
    },
  };
}

/** The package's own name, as examples write it, is its source here; `paths` of tsconfig.json says the same. */
const ownName = [
  {
    find: /^react-guest-token$/,
    replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)),
  },
  {
    find: /^react-guest-token\/(core|server|testing)$/,
    replacement: fileURLToPath(new URL('src/$1/index.ts', import.meta.url)),
  },
];

async function projects(): Promise<TestProjectInlineConfiguration[]> {
  if (process.env.RUNTIMES === '1') return [runtimes];
  return mutating || onReact18 ? [unit] : [unit, built, browser, await storybook()];
}

export default defineConfig({
  plugins: [reactCompiler(), react()],
  resolve: { alias: ownName },
  test: {
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text', 'lcov'] },
    reporters: ['default', tally],
    projects: await projects(),
  },
});
