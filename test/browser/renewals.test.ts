import { describe, expect, it } from 'vitest';
import { nextRenewal, openCrowd, type Renewal } from './crowd.ts';
import { engine, startVisit } from './visit.ts';

const visit = startVisit();

/** Each engine takes its time to open a tab, so that they share the work. */
const counts = { chromium: [10], chrome: [2, 5, 20], firefox: [5], webkit: [5] }[engine];

/**
 * Long enough for all tabs to open within one life on a busy machine, and for the 2 s that a tab
 * waits for a lock which nobody releases; tokens of 20 s show the same.
 */
function tokenLifeSeconds(tabs: number): number {
  return Math.ceil(5 + tabs / 4);
}

describe('tabs of one visitor that are opened together', () => {
  it.each(counts)(
    '%i of them: one request and at most three messages a tab for each renewal, and no lock is left',
    { timeout: 120_000 },
    async (count) => {
      const { site } = visit;
      site.sandbox.configure({ tokenLifeSeconds: tokenLifeSeconds(count) });
      const crowd = await openCrowd(site, visit, count);
      const renewals: Renewal[] = [];
      while (renewals.length < 3) renewals.push(await nextRenewal(site, crowd));
      expect(renewals.map(({ requests, locksLeft }) => ({ requests, locksLeft }))).toEqual(
        Array.from(renewals, () => ({ requests: 1, locksLeft: 0 })),
      );
      expect(Math.max(...renewals.flatMap(({ messages }) => messages))).toBeLessThanOrEqual(3);
    },
  );
});
