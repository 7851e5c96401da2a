import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { describe, expect, test, vi } from 'vitest';
import { type GuestTokenReply, guestTokenQueryOptions } from '../../src/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { allowConsole } from '../strays.ts';
import {
  DAY,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  pass,
  SECOND,
  showWidget,
  sleepMachine,
  withFakeTime,
} from './page.tsx';

withFakeTime();

const shortLife = /expiryBufferMs is cut to 12000 ms/;

// The warning comes once for a page, which is this file: so these two are first, in this order.
describe('a 60 s token with a buffer of 60 s', () => {
  test('a 60 s token with a 60 s buffer is used for 48 s, without a warning in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const source = fakeSource(issuing(MINUTE));
    const page = showWidget({ source });
    await pass(10 * MINUTE);
    expect(page.view.status).toBe('success');
    expect(source.requests).toHaveLength(13);
    const waits = source.askedAtMs.map((at, n) => at - (source.askedAtMs[n - 1] ?? at)).slice(1);
    expect(new Set(waits)).toEqual(new Set([48 * SECOND]));
  });

  test('a 60 s token with a 60 s buffer raises one warning in development', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    showWidget({ source: fakeSource(issuing(MINUTE)) });
    showWidget({ source: fakeSource(issuing(MINUTE)), externalId: 'other' });
    await pass(10 * MINUTE);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(shortLife)]]);
  });
});

test('a token that lives for seconds is renewed before it expires', async () => {
  allowConsole(shortLife);
  const source = fakeSource(issuing(30 * SECOND));
  const page = showWidget({ source });
  await pass();
  for (let second = 0; second < 120; second++) {
    await pass(SECOND);
    expect(page.view.status).toBe('success');
  }
  expect(source.requests).toHaveLength(6); // every 24 s
});

const long = [
  ['30-day', 30 * DAY],
  ['10-year', 3_650 * DAY],
] as const;

for (const [name, lifeMs] of long) {
  for (const told of ['expires_in', 'the JWT only'] as const) {
    const answer = (): GuestTokenReply => ({
      id: 'guest-1',
      token: fakeGuestToken({ lifeSeconds: lifeMs / SECOND }),
      ...(told === 'expires_in' && { expires_in: lifeMs / SECOND }),
    });

    test(`a ${name} token with ${told} costs one request and no timer overflow`, async () => {
      const delays = vi.spyOn(globalThis, 'setTimeout');
      const source = fakeSource(answer);
      const page = showWidget({ source });
      await pass(HOUR);
      for (let day = 0; day < 25; day++) {
        sleepMachine(DAY);
        await pass(MINUTE);
        expect(page.view.status).toBe('success');
      }
      expect(source.requests).toHaveLength(1);
      const longest = Math.max(...delays.mock.calls.map(([, delayMs]) => delayMs ?? 0));
      expect(longest).toBeLessThan(2 ** 31);
    });

    test(`a ${name} token with ${told} costs one request and no timer overflow beside useQuery`, async () => {
      const delays = vi.spyOn(globalThis, 'setTimeout');
      const source = fakeSource(answer);
      const queryClient = new QueryClient();
      function Secret() {
        const { data } = useQuery(guestTokenQueryOptions({ externalId: 'visitor', source }));
        return <p>{data ? 'here' : 'none'}</p>;
      }
      const { probe } = showWidget(
        { queryClient, source, children: <Secret /> },
        ({ children }) => (
          <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
        ),
      );
      await pass(HOUR);
      sleepMachine(20 * DAY);
      await pass(HOUR);
      expect(probe.shown).toBe('here');
      expect(source.requests).toHaveLength(1);
      const longest = Math.max(...delays.mock.calls.map(([, delayMs]) => delayMs ?? 0));
      expect(longest).toBeLessThan(2 ** 31);
    });
  }
}

test('a 30-day token is renewed a minute before it expires', async () => {
  const source = fakeSource(issuing(30 * DAY));
  showWidget({ source });
  await pass();
  sleepMachine(30 * DAY - 2 * MINUTE);
  await pass(MINUTE - 1);
  expect(source.requests).toHaveLength(1);
  await pass(1);
  expect(source.requests).toHaveLength(2);
});

describe('an opaque token', () => {
  const opaque = (createdMs = Date.now()): GuestTokenReply => ({
    id: 'guest-1',
    token: `opaque-${createdMs}`,
    created_time: new Date(createdMs).toISOString(),
  });

  test('an opaque token lives a day from created_time and emits fallback-expiry', async () => {
    const source = fakeSource(() => opaque());
    const page = showWidget({ source });
    await pass();
    expect(page.view).toMatchObject({ status: 'success', expiresAtMs: Date.now() + DAY });
    expect(page.events).toContainEqual(
      expect.objectContaining({ type: 'fallback-expiry', expiresAtMs: Date.now() + DAY }),
    );
    sleepMachine(DAY - 2 * MINUTE);
    await pass(MINUTE - 1);
    expect(source.requests).toHaveLength(1);
    await pass(1);
    expect(source.requests).toHaveLength(2);
  });

  test('a pooled opaque token lives for what is left of the day since created_time', async () => {
    const page = showWidget({ source: fakeSource(() => opaque(Date.now() - 6 * HOUR)) });
    await pass();
    expect(page.view.expiresAtMs).toBe(Date.now() + 18 * HOUR);
  });

  test('an opaque token lives for fallbackTtlMs if that is set', async () => {
    const source = fakeSource(() => opaque());
    const page = showWidget({ source, fallbackTtlMs: 2 * HOUR });
    await pass();
    expect(page.view.expiresAtMs).toBe(Date.now() + 2 * HOUR);
  });

  test('an opaque token with expires_in lives that long and emits no fallback-expiry', async () => {
    const page = showWidget({ source: fakeSource(() => ({ ...opaque(), expires_in: 3_600 })) });
    await pass();
    expect(page.view.expiresAtMs).toBe(Date.now() + HOUR);
    expect(page.events.map(({ type }) => type)).toEqual(['acquiring', 'acquired']);
  });

  test('an opaque token without any time is unknown_expiry with a hint and is neither shown nor retried', async () => {
    const source = fakeSource(() => ({ id: 'guest-1', token: 'opaque' }));
    const page = showWidget({ source });
    await pass(20 * SECOND);
    expect(page.view).toMatchObject({ status: 'error', token: undefined });
    expect(page.view.error?.code).toBe('unknown_expiry');
    expect(page.view.error?.hint).toContain('expires_in');
    expect(source.requests).toHaveLength(1);
  });
});
