// @vitest-environment node
// Many who want calls to Genesys, and one who wants them all.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UpstreamPacer } from '../../../src/server/limits/upstreamPacer.ts';
import { openShop, reply } from '../shop.ts';
import { fakeClocks } from './clock.ts';
import { paced } from './pace.ts';
import { from } from './requests.ts';

beforeEach(() => fakeClocks());
afterEach(() => {
  vi.useRealTimers();
});

/** How many of `calls` by `who` were let through at once. */
async function atOnce(pacer: UpstreamPacer, who: string, calls: number): Promise<number> {
  let admitted = 0;
  for (let call = 0; call < calls; call++) {
    pacer.run(who, async () => admitted++).catch(() => undefined);
  }
  await vi.advanceTimersByTimeAsync(0);
  return admitted;
}

describe('the pace of calls to Genesys is shared', () => {
  it('so that one who wants all of it gets half, and another one goes at once', async () => {
    const pacer = paced({ upstream: 300 });
    expect(await atOnce(pacer, 'greedy', 1_000)).toBe(150);
    expect(await atOnce(pacer, 'modest', 1)).toBe(1);
  });

  it('so that however many want all of it, there is room for the next', async () => {
    const pacer = paced({ upstream: 300 });
    const shares: number[] = [];
    for (let greedy = 0; greedy < 6; greedy++) {
      shares.push(await atOnce(pacer, `greedy ${greedy}`, 1_000));
    }
    expect(shares).toEqual([150, 75, 38, 19, 9, 5]);
    expect(await atOnce(pacer, 'modest', 2)).toBe(2);
  });

  it('evenly among those who want more for long', async () => {
    const pacer = paced({ upstream: 300 });
    const served: Record<string, number> = { one: 0, two: 0, three: 0 };
    for (let second = 0; second < 600; second++) {
      for (const [index, who] of Object.keys(served).entries()) {
        for (let call = 0; call < 10 * (index + 1); call++) {
          const work = async (): Promise<void> => {
            if (second >= 60) served[who] = (served[who] ?? 0) + 1;
          };
          pacer.run(who, work).catch(() => undefined);
        }
      }
      await vi.advanceTimersByTimeAsync(1_000);
    }
    const counts = Object.values(served);
    expect(Math.max(...counts)).toBeLessThan(1.2 * Math.min(...counts));
    // a fourth of it stays free for the next one
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(9 * 300 * 0.7);
  });

  it('so that of those who wait the one with the fewest calls goes first', async () => {
    const pacer = paced({ upstream: 60, maxWaitMs: 5_000 });
    for (let second = 0; second < 60; second++) {
      void pacer.run(`visitor ${second}`, async () => undefined);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    // a call each second is free again from now on
    const order: string[] = [];
    const come = (who: string): void => {
      pacer.run(who, async () => order.push(who)).catch(() => order.push(`${who} refused`));
    };
    for (const who of ['first', 'greedy', 'greedy', 'greedy', 'modest']) come(who);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(order.slice(0, 4)).toEqual(['first', 'greedy', 'modest', 'greedy']);
  });

  it('so that of too many who wait those of the one with the most are turned away', async () => {
    const pacer = paced({ upstream: 60, maxWaitMs: 5_000 });
    for (let second = 0; second < 60; second++) {
      void pacer.run(`visitor ${second}`, async () => undefined);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    const refused: string[] = [];
    const come = (who: string): void => {
      pacer.run(who, async () => undefined).catch(() => refused.push(who));
    };
    for (const who of ['first', 'greedy', 'greedy', 'greedy', 'greedy', 'greedy']) come(who);
    for (const who of ['ada', 'bob', 'carol']) come(who);
    await vi.advanceTimersByTimeAsync(0);
    expect(refused).toEqual(['greedy', 'greedy', 'greedy']);
  });

  it('among addresses, and among visitors where the address is not known', async () => {
    const limits = { upstream: 20 };
    const byAddress = openShop({ limits });
    const statuses = async (shop: typeof byAddress, ip?: string): Promise<number[]> => {
      const seen: number[] = [];
      for (let index = 0; index < 20; index++) {
        seen.push((await shop.broker(from(ip, { user: `visitor ${index}` }))).status);
      }
      return seen;
    };
    const seen = await statuses(byAddress, '203.0.113.7');
    // with the login
    expect(seen.filter((status) => status === 200).length).toBe(9);
    await reply(byAddress.broker(from('203.0.113.8', { user: 'somebody else' })));
    const byVisitor = openShop({ limits });
    expect((await statuses(byVisitor)).filter((status) => status === 200).length).toBe(19);
  });
});
