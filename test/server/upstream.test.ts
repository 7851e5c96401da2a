// @vitest-environment node
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ask, gate, openShop, problem, reply } from './shop.ts';

afterEach(() => vi.useRealTimers());

describe('slow answers and pages that go away', () => {
  const fake = (): unknown => vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });

  it.each([
    ['hangs', (init?: RequestInit) => rejectOnAbort(init?.signal)],
    ['hangs and does not heed its signal', () => new Promise<never>(() => undefined)],
    ['sends half an answer', async () => new Response(new ReadableStream())],
  ])('a Genesys that %s is given up after 9 s', async (_how, hang) => {
    fake();
    const asked = gate();
    const { broker } = openShop({}, {}, (sandbox) => (input, init) => {
      if (!String(input).endsWith('/visitors')) return sandbox.fetch(input, init);
      asked.open();
      return hang(init);
    });
    const answer = broker(ask());
    await asked.opened;
    await vi.advanceTimersByTimeAsync(8_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await problem(answer)).toMatchObject({ status: 504, code: 'timed_out' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('expires_in counts from the start of the upstream call, and goes down in the pool', async () => {
    fake();
    const { broker } = openShop({}, { tokenLifeSeconds: 3600 }, (sandbox) => async (...call) => {
      const response = await sandbox.fetch(...call);
      vi.setSystemTime(Date.now() + 1_000);
      return response;
    });
    vi.setSystemTime(Date.UTC(2026, 2, 1));
    const first = await reply(broker(ask()));
    vi.setSystemTime(Date.now() + 100_000);
    expect(first.expires_in - (await reply(broker(ask()))).expires_in).toBe(100);
    expect(first.expires_in).toBeLessThanOrEqual(3599);
  });

  it('one who goes away does not cost the others their token, nor the pool', async () => {
    const asked = gate();
    const answerNow = gate();
    const { broker, sandbox } = openShop({}, {}, (cloud) => async (input, init) => {
      asked.open();
      await answerNow.opened;
      return cloud.fetch(input, init);
    });
    const leaving = new AbortController();
    const gone = broker(ask({ signal: leaving.signal }));
    await asked.opened;
    const staying = reply(broker(ask()));
    leaving.abort();
    answerNow.open();
    const { token } = await staying;
    await gone;
    expect((await reply(broker(ask()))).token).toBe(token);
    expect(sandbox.count('visitor')).toBe(1);
  });
});

function rejectOnAbort(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}
