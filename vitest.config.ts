import { fileURLToPath } from 'node:url';
import { storybookTest } from '@storybook/addon-vitest/vitest-plugin';
import react from '@vitejs/plugin-react';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { launchOptions } from './.ci/browser.ts';
import { reactCompiler } from './.ci/reactCompiler.ts';
import { tally } from './.ci/tally.ts';
import type { EngineName } from './test/browser/engines/engine.ts';
import { missingFor } from './test/browser/engines/installed.ts';

// Stryker's workers and the run against React 18 are about the unit tests only.
const mutating = Boolean(process.env.STRYKER_MUTATOR_WORKER);
const onReact18 = process.env.REACT === '18';
const otherBrowsersOnly = process.env.BROWSERS === '1';

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
    exclude: ['test/apps/**', 'test/browser/**', 'test/package/**', 'test/runtimes/**'],
    setupFiles: ['test/setup.ts'],
    globalSetup: ['test/redis/notice.ts'],
    typecheck: { enabled: true, include: ['test/types/**/*.test-d.{ts,tsx}'] },
    ...(onReact18 && react18.test),
  },
};

/** Replaces the window, which is fixed in the pages that share a thread. */
const ownWindow = 'test/react/{hydration,reactNative}.test.tsx';

/**
 * What mutants of the core and the session are tried by; the rest would only find them again. Each
 * is over with the first failure, so the quick files come first. Those that draw a page share a
 * thread: a new jsdom for each takes longer than its tests. The orders begin with 1, since Vitest runs
 * a group of order 0 last if it has one worker.
 */
const mutants: TestProjectInlineConfiguration[] = [
  mutantTests(1, 'modules', { environment: 'node', include: ['test/{core,session}/*.test.ts'] }),
  {
    ...mutantTests(2, 'pages', {
      environment: 'jsdom',
      include: ['test/{core,session,react}/*.test.tsx'],
      exclude: [ownWindow],
    }),
    plugins: [
      {
        name: 'pages-share-a-thread',
        // Stryker sets one pool for everything.
        configureVitest: ({ project }) => {
          project.config.pool = 'vmThreads';
          project.config.isolate = false;
        },
      },
    ],
  },
  mutantTests(3, 'windows', { environment: 'jsdom', include: [ownWindow] }),
];

function mutantTests(
  groupOrder: number,
  name: string,
  options: TestProjectInlineConfiguration['test'],
): TestProjectInlineConfiguration {
  const setupFiles = ['test/setup.ts'];
  return { extends: true, test: { name, setupFiles, sequence: { groupOrder }, ...options } };
}

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

/**
 * The packed package in real apps, one after the other. `npm run test:apps` builds it first, and
 * `npm run test:apps:short` takes as much as every change has time for.
 */
const apps: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'apps',
    environment: 'node',
    include: ['test/apps/*.test.ts'],
    tags: [{ name: 'short', description: 'what npm run test:apps:short runs' }],
    globalSetup: 'test/apps/pack.ts',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
};

/** Drives a real browser, several tabs of it, over real HTTP, after the unit tests. */
function browser(
  name: string,
  engine: EngineName,
  files: { include: string[]; exclude?: string[] },
): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      environment: 'node',
      ...files,
      provide: { engine },
      testTimeout: 60_000,
      hookTimeout: 60_000,
      // One file at a time: tabs that wait for each other want the machine to themselves.
      maxWorkers: 1,
      sequence: { groupOrder: 1 },
    },
  };
}

const browserFiles = ['test/browser/**/*.test.ts'];
/** Needs a back/forward cache; headless Chromium has none. */
const backForward = 'test/browser/backForward.test.ts';
/** Needs a debugger to freeze pages. */
const frozenPages = 'test/browser/page.test.ts';

/** What each other browser has to show; in Chromium, what needs a screen or many tabs. */
const otherBrowsers = {
  chrome: { include: ['test/browser/{tabs,renewals,backForward}.test.ts'] },
  firefox: { include: browserFiles, exclude: [frozenPages] },
  webkit: { include: browserFiles, exclude: [frozenPages] },
};

/** The browsers of this machine beside the headless Chromium; says what the others are missing. */
function installedBrowsers(): TestProjectInlineConfiguration[] {
  const engines = ['chrome', 'firefox', 'webkit'] as const;
  const installed = engines.filter((engine) => {
    const missing = missingFor(engine).map((names) => names.join(' or '));
    if (missing.length === 0) return true;
    console.log(`No tests in ${engine}: this machine lacks ${missing.join(', ')}.`);
    return false;
  });
  // Vitest wants one project at least.
  if (installed.length === 0) return [browser('none', 'chromium', { include: [] })];
  return installed.map((engine) => browser(engine, engine, otherBrowsers[engine]));
}

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
    find: /^react-guest-token\/(\w+)$/,
    replacement: fileURLToPath(new URL('src/$1/index.ts', import.meta.url)),
  },
];

async function projects(): Promise<TestProjectInlineConfiguration[]> {
  if (process.env.RUNTIMES === '1') return [runtimes];
  if (process.env.APPS === '1') return [apps];
  if (otherBrowsersOnly) return installedBrowsers();
  if (mutating) return mutants;
  if (onReact18) return [unit];
  const files = { include: browserFiles, exclude: [backForward] };
  return [unit, built, browser('browser', 'chromium', files), await storybook()];
}

export default defineConfig({
  plugins: [reactCompiler(), react()],
  resolve: { alias: ownName },
  test: {
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text', 'lcov'] },
    reporters: ['default', tally],
    projects: await projects(),
    passWithNoTests: otherBrowsersOnly,
  },
});
