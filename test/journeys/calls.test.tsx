// A widget's calls with the token of whoever is there: refusals, stampedes, and visitors who change.
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  claims,
  down,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  pass,
  reply,
  SECOND,
  showWidget,
  withFakeTime,
} from '../react/page.tsx';
import { type Call, openPage } from './callsPage.tsx';

withFakeTime();

/** A page on which the first token is in hand, and is good no longer. */
async function openRefused(source = fakeSource(issuing(HOUR, 200))) {
  const page = openPage(source);
  page.enter('ann');
  await pass(200);
  const first = page.view.token;
  page.api.answer = (token) => (token === first ? 401 : 200);
  page.api.delayMs = 50;
  return { ...page, page, first };
}

afterEach(() => vi.unstubAllGlobals());

test.each([10, 1_000])(
  '%d calls rejected together cause one acquisition and are each resent once',
  async (count) => {
    const { page, source, sendings, first } = await openRefused();
    const calls = Array.from({ length: count }, () => page.call());
    await pass(SECOND);
    expect(calls.map(({ outcome }) => outcome)).toEqual(Array(count).fill(200));
    expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
    expect(sendings.filter(({ token }) => token === first)).toHaveLength(count);
    expect(sendings.filter(({ token }) => token === page.view.token)).toHaveLength(count);
  },
);

test('a late 401 for an older token only resends the call', async () => {
  const { page, api, source } = await openRefused();
  api.delayMs = 5 * SECOND; // answered when there is a newer token already
  const late = page.call();
  await pass(SECOND);
  page.view.refresh();
  await pass(SECOND);
  expect(source.requests).toHaveLength(2);
  await pass(10 * SECOND);
  expect(late.outcome).toBe(200);
  expect(source.requests).toHaveLength(2);
});

test('a rejected token stays on screen until it is replaced, and getToken waits for the new one', async () => {
  const { page, first } = await openRefused();
  page.call();
  await pass(100);
  expect(page.shown).toBe(first);
  const got = page.view.getToken();
  await pass(200);
  expect(claims(await got).jti).toBe(claims(first).jti + 1);
  expect(page.shown).toBe(await got);
});

test('an endpoint that rejects every token costs few tokens when it is polled each second for 5 minutes', async () => {
  const page = openPage(fakeSource(issuing(HOUR)));
  page.enter('ann');
  await pass();
  page.api.answer = () => 403;
  const calls: Call[] = [];
  for (let second = 0; second < 300; second++) {
    calls.push(page.call());
    await pass(SECOND);
  }
  expect(new Set(calls.map(({ outcome }) => outcome))).toEqual(new Set([403]));
  // the first refusal, and one more after each of the cool-downs of 30, 60 and 120 s
  expect(page.source.requests.length - 1).toBeLessThanOrEqual(5);
  expect(page.sendings.length).toBeLessThanOrEqual(300 + 5);
  expect(page.view.status).toBe('success');
});

test('calls resolve with the refusal while no new token can be acquired', async () => {
  const { page, source } = await openRefused();
  source.answer = down;
  const first = page.call();
  await pass(10 * SECOND);
  expect(first.outcome).toBe(401);
  const asked = source.requests.length;
  const second = page.call();
  await pass(SECOND);
  expect([second.outcome, source.requests.length]).toEqual(['unreachable', asked]);
});

test('a source that returns a rejected token again is no_progress, and the call resolves with the refusal', async () => {
  const same = reply();
  const { page, source, first } = await openRefused(fakeSource(() => same));
  const call = page.call();
  await pass(10 * SECOND);
  expect(call.outcome).toBe(401);
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
  expect(page.view.error).toMatchObject({ code: 'no_progress' });
  expect(page.view.error?.hint).toContain('Cache-Control: no-cache');
  expect(page.view.token).toBe(first); // it has life, and somebody else may take it
});

test('a visitor who signs out takes the token off the screen without a console line', async () => {
  const page = openPage(fakeSource());
  page.enter('ann');
  await pass();
  expect(page.shown).toMatch(/^ey/);
  page.enter(null);
  expect(page.shown).toBe('none');
});

describe('a call that was begun for Ann', () => {
  test('a call begun for Ann and rejected after the switch is not resent with Bob’s token', async () => {
    const { page, sendings } = await openRefused();
    const call = page.call();
    await pass(10);
    page.enter('bob');
    await pass(MINUTE);
    expect(call.outcome).toBe(401);
    expect(sendings.map(({ token }) => claims(token).sub)).toEqual(['ann']);
  });

  test('a call begun for Ann that waits for a new token is not resent after the switch to Bob', async () => {
    const { page, sendings } = await openRefused();
    const call = page.call();
    await pass(100);
    page.enter('bob');
    await pass(MINUTE);
    expect(call.outcome).toBe('aborted');
    expect(sendings.map(({ token }) => claims(token).sub)).toEqual(['ann']);
  });

  test('a call that waits for Ann’s first token is not sent after she signs out, even if she comes back', async () => {
    const page = openPage(fakeSource(issuing(HOUR, 200)));
    page.enter('ann');
    const call = page.call();
    await pass(100);
    page.enter(null);
    await pass(10);
    page.enter('ann');
    await pass(MINUTE);
    expect(call.outcome).toBe('aborted');
    expect(page.sendings).toEqual([]);
  });

  test('a call while externalId is null rejects with aborted at once', async () => {
    const page = openPage(fakeSource());
    const call = page.call();
    await pass();
    expect(call.outcome).toBe('aborted');
    expect(page.sendings).toEqual([]);
  });
});

test('invalid origins throw at the provider and the error names the option', () => {
  const silence = vi.spyOn(console, 'error').mockReturnValue(); // React tells of it, too
  expect(() => showWidget({ source: fakeSource(), origins: ['api.mypurecloud.ie'] })).toThrow(
    expect.objectContaining({
      code: 'misconfigured',
      message: expect.stringContaining('"origins"'),
    }),
  );
  silence.mockRestore();
});

test('changed origins take effect with the next render', async () => {
  const page = openPage(fakeSource());
  const seen: (string | null)[] = [];
  page.enter('ann');
  await pass();
  vi.stubGlobal('fetch', async (...call: Parameters<typeof fetch>) => {
    seen.push(new Request(...call).headers.get('Authorization'));
    return new Response();
  });
  for (const origins of [[], ['https://api.mypurecloud.ie'], []]) {
    page.allow(origins);
    await page.guestFetch('https://api.mypurecloud.ie/x');
  }
  expect(seen).toEqual([null, expect.stringMatching(/^Bearer ey/), null]);
});
