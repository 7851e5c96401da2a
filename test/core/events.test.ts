import { describe, expect, it, vi } from 'vitest';

/** The module as another page loads it. */
async function openPage(): Promise<(identity: string) => string> {
  vi.resetModules();
  return (await import('../../src/core/events.ts')).identityHash;
}

describe('the identity of an event', () => {
  it('is the same for a visitor for as long as the page lives, and another for another visitor', async () => {
    const identity = await openPage();
    expect(identity('ada')).toBe(identity('ada'));
    const ada = identity('ada');
    expect(identity('bob')).not.toBe(ada);
    expect(identity('ada')).toBe(ada);
  });

  it('can not be found by trying ids: another page has another one for the same visitor', async () => {
    const [here, elsewhere] = [await openPage(), await openPage()];
    expect(here('ada')).not.toBe(elsewhere('ada'));
  });

  it('of 100,000 visitors on one server fills no memory for good', async () => {
    const identity = await openPage();
    const first = identity('visitor 0');
    for (let visitor = 1; visitor < 100_000; visitor++) identity(`visitor ${visitor}`);
    expect(identity('visitor 0')).not.toBe(first);
  });
});
