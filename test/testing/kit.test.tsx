// The test kit, as the author of a widget uses it.
import { render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GuestTokenProvider, useGuestFetch, useGuestToken } from '../../src/index.ts';
import {
  type FakeTokenSource,
  fakeTokenSource,
  focusPage,
  goOffline,
  goOnline,
  hidePage,
  passTime,
  resetPage,
  showPage,
  sleepMachine,
} from '../../src/testing/index.ts';
import { allowConsole } from '../strays.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let guestFetch: typeof fetch;

function ChatWidget() {
  const { status, token } = useGuestToken();
  guestFetch = useGuestFetch();
  return (
    <p role="status">
      {status} {token ?? 'none'}
    </p>
  );
}

function renderWidget(source: FakeTokenSource): void {
  render(
    <GuestTokenProvider externalId="ada" source={source}>
      <ChatWidget />
    </GuestTokenProvider>,
  );
}

const shown = (): string => screen.getByRole('status').textContent ?? '';

afterEach(() => {
  resetPage();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const fakedByVitest = ['setTimeout', 'clearTimeout', 'Date', 'performance'] as const;

describe.each([
  { whose: 'Vitest', toFake: [...fakedByVitest] },
  { whose: 'Jest', toFake: [...fakedByVitest, 'queueMicrotask' as const] },
])('with what fake timers of $whose fake', ({ toFake }) => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake });
    allowConsole(/^react-guest-token: The fake token source fails/);
  });

  test('the widget gets a token of the fake source, and another one before it expires', async () => {
    const source = fakeTokenSource({ lifeSeconds: 600 });
    renderWidget(source);
    expect(shown()).toBe('pending none');
    await passTime(0);
    expect(shown()).toBe(`success ${source.tokens[0]}`);
    await passTime(9 * MINUTE);
    expect(shown()).toBe(`success ${source.tokens[1]}`);
    expect(source.requests).toMatchObject([
      { externalId: 'ada', fresh: false },
      { externalId: 'ada', fresh: true },
    ]);
  });

  test('an answer takes as long as the test says', async () => {
    renderWidget(fakeTokenSource({ delayMs: 2 * SECOND }));
    await passTime(2 * SECOND - 1);
    expect(shown()).toBe('pending none');
    await passTime(1);
    expect(shown()).toMatch(/^success /);
  });

  test('an expired token leaves the screen while the source fails, and the next one is shown', async () => {
    const source = fakeTokenSource();
    renderWidget(source);
    await passTime(0);
    source.fail('unavailable');
    await source.expireToken();
    expect(shown()).toBe('pending none');
    await passTime(10 * SECOND);
    expect(shown()).toBe('error none');
    source.recover();
    await passTime(MINUTE);
    expect(shown()).toBe(`success ${source.tokens[1]}`);
  });

  test('a call that the server refuses is sent again with a new token', async () => {
    const source = fakeTokenSource();
    const statuses: number[] = [];
    vi.stubGlobal('fetch', async (input: RequestInfo, init?: RequestInit) => {
      const response = source.checkToken(new Request(input, init)) ?? Response.json({ sent: true });
      statuses.push(response.status);
      return response;
    });
    renderWidget(source);
    await passTime(0);
    source.rejectTokens();
    const call = guestFetch(`${location.origin}/messages`);
    await passTime(0);
    expect((await call).status).toBe(200);
    expect(statuses).toEqual([401, 200]);
    expect(source.tokens).toHaveLength(2);
  });

  test('a hidden page asks for nothing, and for a token when it is shown again', async () => {
    const source = fakeTokenSource();
    renderWidget(source);
    await passTime(0);
    await hidePage();
    expect(document.hidden).toBe(true);
    await passTime(2 * HOUR);
    expect(source.requests).toHaveLength(1);
    await showPage();
    expect(document.hidden).toBe(false);
    expect(shown()).toBe(`success ${source.tokens[1]}`);
  });

  test('a page that is offline asks for nothing, and for a token as soon as it is online', async () => {
    const source = fakeTokenSource();
    await goOffline();
    renderWidget(source);
    await passTime(5 * SECOND);
    expect(source.requests).toHaveLength(0);
    await goOnline();
    expect(shown()).toBe(`success ${source.tokens[0]}`);
  });

  test('while the machine sleeps no timer runs, and the token that expired is gone after it', async () => {
    const source = fakeTokenSource();
    renderWidget(source);
    await passTime(0);
    const onTimer = vi.fn();
    setTimeout(onTimer, MINUTE);
    const beforeMs = performance.now();
    sleepMachine(2 * HOUR);
    await focusPage();
    expect(onTimer).not.toHaveBeenCalled();
    expect(performance.now() - beforeMs).toBeLessThan(SECOND);
    expect(shown()).toBe(`success ${source.tokens[1]}`);
  });

  test('a failure of one fake source pauses no other', async () => {
    const failing = fakeTokenSource();
    failing.fail('forbidden');
    renderWidget(failing);
    await passTime(10 * SECOND);
    const { unmount } = render(
      <GuestTokenProvider externalId="ada" source={fakeTokenSource()}>
        <p>Another widget</p>
        <ChatWidget />
      </GuestTokenProvider>,
    );
    await passTime(0);
    expect(screen.getAllByRole('status').map(({ textContent }) => textContent)).toEqual([
      'error none',
      expect.stringMatching(/^success /),
    ]);
    unmount();
  });

  test('a failure has the code and the details that the test gives it', async () => {
    const source = fakeTokenSource();
    source.fail('rate_limited', { retryAtMs: Date.now() + HOUR });
    renderWidget(source);
    await passTime(0);
    expect(shown()).toBe('error none');
    expect(source.requests).toHaveLength(1);
  });
});

describe('without fake timers', () => {
  test('the page can be hidden, shown, taken offline and reset', async () => {
    const source = fakeTokenSource();
    await goOffline();
    renderWidget(source);
    await hidePage();
    expect([document.visibilityState, navigator.onLine]).toEqual(['hidden', false]);
    await goOnline();
    await showPage();
    await vi.waitFor(() => expect(shown()).toMatch(/^success /));
    await hidePage();
    resetPage();
    expect([document.visibilityState, document.hidden]).toEqual(['visible', false]);
    expect(Object.keys(Object.getOwnPropertyDescriptors(navigator))).not.toContain('onLine');
  });

  test('a helper that moves time says what it needs', async () => {
    const needsFakeTimers = {
      code: 'misconfigured',
      message: expect.stringMatching(/needs fake timers.*vi\.useFakeTimers\(\)/),
    };
    expect(() => sleepMachine(HOUR)).toThrow(expect.objectContaining(needsFakeTimers));
    await expect(passTime(HOUR)).rejects.toMatchObject(needsFakeTimers);
    await expect(fakeTokenSource().expireToken()).rejects.toMatchObject(needsFakeTimers);
  });
});
