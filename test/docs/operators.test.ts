// @vitest-environment node
// The operator's guide: what it names is there.
import { describe, expect, it } from 'vitest';
import { allTables } from '../../src/bin/settings/settings.ts';
import { documentAt } from './documents.ts';
import { sectionOf } from './markdown.ts';
import { brokerMetrics } from './metrics.ts';
import { sizesTable } from './sizes.ts';

const guide = documentAt('stories/docs/operations/operators.mdx').text;

describe("the operator's guide", () => {
  it('has figures that its sizes can be computed from', () => {
    expect(sizesTable(guide)).toContain('| 10,000 | an hour |');
    expect(sizesTable(guide)).not.toContain('NaN');
  });

  it('names variables and metrics that exist', () => {
    const known = Object.values(allTables).flatMap(({ variable = '' }: { variable?: string }) => [
      variable,
      `${variable}_FILE`,
    ]);
    const named = guide.match(/\b(?:GENESYS|GUEST_TOKEN|REDIS)_[A-Z_]+\b/g) ?? [];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);

    const metrics = brokerMetrics().map(({ name }) => name);
    const watched = sectionOf(guide, 'What to watch').match(/\bguest_token_\w+/g) ?? [];
    expect(watched.length).toBeGreaterThan(5);
    expect(watched.filter((name) => !metrics.includes(name))).toEqual([]);
  });
});
