// When a token is stale and when it has expired, however long or short it lives.
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { cleanup, render } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type GuestToken, readGuestToken } from '../../src/core/index.ts';
import { guestTokenQueryOptions } from '../../src/index.ts';
import {
  DAY,
  fakeSource,
  issuing,
  MINUTE,
  pass,
  SECOND,
  showWidget,
  sleepMachine,
  withFakeTime,
} from '../react/page.tsx';

const YEAR = 365 * DAY;
const MAX_TIMER_MS = 2 ** 31 - 1;

withFakeTime();
afterEach(() => vi.unstubAllEnvs());

function tokenOf(lifeMs: number, expiryBufferMs?: number): GuestToken {
  const reply = { id: 'guest-1', token: 'opaque', expires_in: lifeMs / SECOND };
  return readGuestToken(reply, { expiryBufferMs });
}

describe('a token', () => {
  test('is stale a minute before its end and expires at its end, to the millisecond', () => {
    const token = tokenOf(10 * MINUTE);
    const bornAtMs = Date.now();
    expect(token.staleAtMs).toBe(bornAtMs + 9 * MINUTE);
    expect(token.expiresAtMs).toBe(bornAtMs + 10 * MINUTE);
    vi.advanceTimersByTime(9 * MINUTE - 1);
    expect([token.isStale(), token.isExpired()]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([token.isStale(), token.isExpired()]).toEqual([true, false]);
    vi.advanceTimersByTime(MINUTE - 1);
    expect([token.isStale(), token.isExpired()]).toEqual([true, false]);
    vi.advanceTimersByTime(1);
    expect([token.isStale(), token.isExpired()]).toEqual([true, true]);
    expect(token.remainingMs()).toBe(0);
  });

  test.each([
    // life, buffer asked for, buffer used
    [60, 60, 12],
    [60, 12, 12],
    [60, 11, 11],
    [60, 0, 0],
    [300, 60, 60],
    [299, 60, 59.8],
    [1, 60, 0.2],
    [86_400, 60, 60],
    [86_400, 86_400, 17_280],
  ])('of %d s with a buffer of %d s is due %d s before its end', (lifeS, askedS, usedS) => {
    const token = tokenOf(lifeS * SECOND, askedS * SECOND);
    expect(token.expiresAtMs - token.staleAtMs).toBeCloseTo(usedS * SECOND, 6);
  });

  test('that came late has a buffer of a fifth of what was left then, not of its whole life', () => {
    const iat = Math.floor(Date.now() / SECOND) - 3_570;
    const token = `e30.${btoa(JSON.stringify({ iat, exp: iat + 3_600 }))}.x`;
    expect(readGuestToken({ id: 'guest-1', token })).toMatchObject({
      lifeMs: 30 * SECOND,
      bufferMs: 6 * SECOND,
    });
  });
});

describe('a widget with tokens as short as the buffer', () => {
  test('asks once per life, and warns once in development', async () => {
    vi.resetModules(); // once per page, and this page has not been told yet
    const fresh = await import('../../src/index.ts');
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const source = fakeSource(issuing(MINUTE));
    for (const externalId of ['ann', 'bob']) {
      render(
        <fresh.GuestTokenProvider
          externalId={externalId}
          source={source}
          expiryBufferMs={MINUTE}
        />,
      );
    }
    await pass(10 * MINUTE - 1);
    const each = Math.ceil((10 * MINUTE) / (48 * SECOND));
    expect(source.requests).toHaveLength(2 * each);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('expiryBufferMs'));
  });

  test('warns of nothing in production', async () => {
    vi.resetModules();
    vi.stubEnv('NODE_ENV', 'production');
    const fresh = await import('../../src/index.ts');
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    render(<fresh.GuestTokenProvider externalId="visitor" source={fakeSource(issuing(MINUTE))} />);
    await pass(MINUTE);
    expect(warn).not.toHaveBeenCalled();
  });
});

describe.each([
  ['30 days', 30 * DAY],
  ['10 years', 10 * YEAR],
])('a token of %s', (_life, lifeMs) => {
  /** Every delay that is handed to a timer from now on. */
  function watchTimers(): number[] {
    const delays: number[] = [];
    const { setTimeout: setFake, setInterval: setFakeInterval } = globalThis;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(
      Object.assign((work: () => void, ms = 0, ...rest: []) => {
        delays.push(ms);
        return setFake(work, ms, ...rest);
      }, setFake),
    );
    vi.spyOn(globalThis, 'setInterval').mockImplementation((work, ms = 0, ...rest) => {
      delays.push(ms);
      return setFakeInterval(work, ms, ...rest);
    });
    return delays;
  }

  test('costs one request, and no timer is longer than a timer can be', async () => {
    const delays = watchTimers();
    const source = fakeSource(issuing(lifeMs));
    const page = showWidget({ source });
    await pass(MINUTE);
    for (let night = 0; night < 5; night++) {
      sleepMachine((lifeMs - MINUTE) / 6);
      await pass(MINUTE);
    }
    expect(source.requests).toHaveLength(1);
    expect(page.view.status).toBe('success');
    expect(delays.length).toBeGreaterThan(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(MAX_TIMER_MS);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    // and its end is not missed either
    sleepMachine(lifeMs / 6);
    await pass(MINUTE);
    expect(source.requests).toHaveLength(2);
  });

  test('in a query of your own causes one request, and no timer is longer than a timer can be', async () => {
    const delays = watchTimers();
    const source = fakeSource(issuing(lifeMs));
    const options = guestTokenQueryOptions({ externalId: 'visitor', source });
    const client = new QueryClient();
    function Widget() {
      const { data } = useQuery(options);
      return <p>{data ? 'here' : 'none'}</p>;
    }
    const { container } = render(
      <QueryClientProvider client={client}>
        <Widget />
      </QueryClientProvider>,
    );
    await pass();
    await pass(2 * DAY);
    expect(container).toHaveTextContent('here');
    expect(source.requests).toHaveLength(1);
    expect(Math.max(...delays)).toBeLessThanOrEqual(MAX_TIMER_MS);
    cleanup();
    await pass(25 * DAY);
    expect(client.getQueryData(options.queryKey)?.isExpired()).toBe(false);
    client.clear();
  });
});
