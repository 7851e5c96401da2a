// @vitest-environment node
// The server's clock is turned back by an hour: nothing lives longer for it, and nobody waits.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeClocks, setClockBack } from './limits/clock.ts';
import { ask, openShop, problem, reply } from './shop.ts';

beforeEach(() => fakeClocks({ timers: false }));
afterEach(() => vi.useRealTimers());

const HOUR_MS = 3_600_000;

describe('a clock that is turned back by an hour', () => {
  it('makes no pooled token younger', async () => {
    const { broker } = openShop({}, { tokenLifeSeconds: 3_600 });
    const first = await reply(broker(ask()));
    setClockBack(HOUR_MS);
    const second = await reply(broker(ask()));
    expect(second.token).toBe(first.token);
    expect(second.expires_in).toBeLessThanOrEqual(3_600);
    vi.advanceTimersByTime(3_500_000);
    expect((await reply(broker(ask()))).token).not.toBe(first.token);
  });

  it('does not keep Genesys left alone for longer than it was to be', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('visitor', 'unavailable');
    for (let user = 0; user < 6; user++) await problem(broker(ask({ user: `u${user}` })));
    setClockBack(HOUR_MS);
    expect((await problem(broker(ask({ user: 'early' })))).reason).toBe('circuit_open');
    sandbox.clear();
    vi.advanceTimersByTime(13_000);
    await reply(broker(ask({ user: 'late' })));
  });

  it('does not stretch a pause that Genesys asked for', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 30 }, { times: 1 });
    await problem(broker(ask()));
    setClockBack(HOUR_MS);
    vi.advanceTimersByTime(31_000);
    await reply(broker(ask()));
  });
});
