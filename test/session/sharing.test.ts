// @vitest-environment jsdom
// What a session takes from other tabs, from storage and from a page that was away, and what not.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readClock } from '../../src/core/clock.ts';
import { type GuestToken, readGuestToken } from '../../src/core/guestToken.ts';
import { guestTokenQueryOptions } from '../../src/session/guestTokenQuery.ts';
import type { GuestTokenSession } from '../../src/session/session.ts';
import type { GuestTokenConfig } from '../../src/session/settings.ts';
import { shareToken } from '../../src/session/sharedToken.ts';
import { fakeGuestToken, fakeTokenSource } from '../../src/testing/index.ts';
import { FakeChannel } from '../fakeBrowser.ts';
import { withFakeClocks } from '../fakeClocks.ts';
import { openSession } from './openSession.ts';

const SECOND = 1_000;
/** In which the other tabs are asked. */
const ASKING_MS = 100;
/** A source that takes its time. */
const SLOW_MS = 5 * SECOND;

/** What another tab of the visitor tells. */
let otherTab: FakeChannel;
withFakeClocks();
beforeEach(() => {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('BroadcastChannel', FakeChannel);
  FakeChannel.open.clear();
  sessionStorage.clear();
});
afterEach(() => {
  for (const end of unwatch.splice(0)) end();
});

const unwatch: (() => void)[] = [];

function watched(config: Omit<GuestTokenConfig, 'externalId'>): GuestTokenSession {
  const session = openSession(config);
  unwatch.push(session.watch(session.store.settings.source, () => true));
  otherTab = new FakeChannel(guestTokenQueryOptions({ externalId: 'ada', ...config }).queryHash);
  return session;
}

async function tell(type: string, token?: GuestToken): Promise<void> {
  otherTab.postMessage({ type, token: token && shareToken(token) });
  await pass();
}

/** A token that the other tab has just acquired. */
function tokenOfOtherTab(): GuestToken {
  const reply = { id: 'guest', token: fakeGuestToken({ sub: 'guest', jti: 'other' }) };
  return readGuestToken({ ...reply, expires_in: 3_600 }, { requestedAt: readClock() });
}

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

async function happen(type: string, persisted: boolean): Promise<void> {
  window.dispatchEvent(new PageTransitionEvent(type, { persisted }));
  await pass();
}

describe('from another tab', () => {
  test('a token that comes after a sign-out is still unknown when the visitor signs in again', async () => {
    const source = fakeTokenSource();
    const session = watched({ source });
    await pass(ASKING_MS);
    await tell('signed-out');
    await tell('token', tokenOfOtherTab());
    expect(session.store.getView().status).toBe('idle');
    await tell('signed-in');
    expect(session.store.getView().status).toBe('pending');
    await pass(ASKING_MS);
    expect(session.store.getView().token).toBe(source.tokens[1]);
  });

  test('a token that a server has refused here is not taken again', async () => {
    const source = fakeTokenSource({ delayMs: SLOW_MS });
    const session = watched({ source });
    await pass(ASKING_MS + SLOW_MS);
    const refused = session.flight.takeToken();
    if (!refused) throw new Error('There is a token.');
    session.reject(refused.value);
    await tell('token', refused);
    expect(session.flight.takeToken()).toBeUndefined();
    await pass(ASKING_MS + SLOW_MS);
    expect(session.flight.takeToken()?.value).toBe(source.tokens[1]);
  });

  test('a token that comes with a question is not taken: it is the one to be replaced', async () => {
    const source = fakeTokenSource();
    const session = watched({ source });
    await pass(ASKING_MS);
    await pass(SECOND);
    await tell('ask', tokenOfOtherTab());
    await pass(ASKING_MS);
    expect(session.store.getView().token).toBe(source.tokens[0]);
  });
});

describe('a page that was in the back/forward cache', () => {
  test('does not take the answer to a request that it made before', async () => {
    const source = fakeTokenSource({ delayMs: SLOW_MS });
    const session = watched({ source });
    await pass(ASKING_MS);
    await happen('pagehide', true);
    await happen('pageshow', true);
    await pass(SLOW_MS);
    expect(session.store.getView().status).toBe('pending');
    await pass(ASKING_MS);
    expect(session.store.getView().token).toBeDefined();
    expect(source.requests).toHaveLength(2);
  });

  test('leaves nothing in storage that may be of a visitor who has signed out since', async () => {
    const session = watched({ source: fakeTokenSource(), storage: 'session' });
    await pass(ASKING_MS);
    expect(sessionStorage).toHaveLength(1);
    await happen('pagehide', true);
    await happen('pageshow', true);
    expect(sessionStorage).toHaveLength(0);
    await pass(ASKING_MS);
    expect(session.store.getView().status).toBe('success');
    expect(sessionStorage).toHaveLength(1);
  });
});

test('a page that has just been loaded keeps its token and asks nobody', async () => {
  const source = fakeTokenSource();
  const session = watched({ source, storage: 'session' });
  await pass(ASKING_MS);
  const { token } = session.store.getView();
  await happen('pageshow', false);
  expect(session.store.getView().token).toBe(token);
  await pass(SECOND);
  expect(source.requests).toHaveLength(1);
});

test('a page that leaves without a token keeps what another session of the visitor has stored', async () => {
  const source = fakeTokenSource();
  const config = { source, storage: 'session', shareAcrossTabs: false } as const;
  watched({ ...config, keepFresh: 'on-demand' });
  watched(config);
  await pass();
  expect(sessionStorage).toHaveLength(1);
  await happen('pagehide', false);
  expect(sessionStorage).toHaveLength(1);
});
