// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BrokerEvent } from '../../src/server/events.ts';
import { ask, openShop, reply } from './shop.ts';

const full = (): never => {
  throw new Error('log is full');
};

describe('a listener that fails', () => {
  const printed = vi.fn();
  const reported = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    vi.spyOn(console, 'error').mockImplementation(printed);
    // On Deno it ends the process.
    vi.stubGlobal('reportError', reported);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    printed.mockClear();
    reported.mockClear();
  });

  it.each([
    ['throws', full],
    ['rejects', async () => full()],
  ])('(it %s) costs no visitor the token, and is printed', async (_how, onEvent) => {
    const { broker } = openShop({ onEvent });
    await reply(broker(ask()));
    await vi.waitFor(() => expect(printed).toHaveBeenCalled());
    expect(printed).toHaveBeenCalledWith(
      'react-guest-token: onEvent has failed, once.',
      new Error('log is full'),
    );
    expect(reported).not.toHaveBeenCalled();
  });

  it('is printed once a minute, with a count', async () => {
    const onEvent = ({ type }: BrokerEvent): void => {
      if (type !== 'upstream-call') full();
    };
    const { broker } = openShop({ onEvent });
    for (let request = 0; request < 500; request++) await reply(broker(ask()));
    expect(printed).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(60_000);
    await reply(broker(ask()));
    await reply(broker(ask()));
    expect(printed).toHaveBeenCalledTimes(2);
    expect(printed.mock.lastCall?.[0]).toContain('500 times since the last report');
  });
});
