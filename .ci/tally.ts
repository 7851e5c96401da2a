import type { Reporter } from 'vitest/node';

/**
 * Ends the output with one plain line that counts the tests. A file that could not be loaded, an
 * error that no test caught and a type error count as failures: without them a run in which nothing
 * could start would say "0 failed".
 */
export const tally: Reporter = {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
      count.failed += module.errors().length;
    }
    // a test that was still running when the run ended has not passed
    const failed = count.failed + count.pending;
    console.log(`${count.passed} passed, ${failed} failed, ${count.skipped} skipped`);
  },
};
