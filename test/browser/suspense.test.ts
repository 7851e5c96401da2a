import { describe, expect, it } from 'vitest';
import { startVisit } from './visit.ts';

const visit = startVisit();

describe('components that suspend under the providers of two visitors, built for production', () => {
  it.each(['hangs', 'fails'] as const)(
    'render a few times only when their tokens end while the source %s',
    async (then) => {
      const tab = await visit.newTab();
      await tab.goto(visit.site.suspensePage({ visitors: ['anna', 'ben'], then }));
      const text = (): Promise<string> => tab.evaluate(() => document.body.innerText);
      await expect.poll(text).toMatch(/token-of-anna\s+token-of-ben/);
      await expect.poll(text, { timeout: 5_000 }).not.toContain('token');
      // long enough for thousands of renders
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const { renders, asked } = await tab.evaluate(() => window.suspense);
      expect(Math.max(...renders)).toBeLessThan(10);
      // two attempts each, and one more where the first of them has failed
      expect(asked).toBeLessThanOrEqual(6);
    },
  );
});
