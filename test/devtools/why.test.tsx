// Why a session does, or does not, refresh; and that what the sentence predicts is what happens.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Instant, readClock } from '../../src/core/clock.ts';
import { GuestToken } from '../../src/core/guestToken.ts';
import { duration } from '../../src/devtools/duration.ts';
import { openSessions } from '../../src/devtools/openSessions.ts';
import { type NextCheck, nextCheckText, stateText, whyOf } from '../../src/devtools/why.ts';
import type { KeepFresh } from '../../src/session/schedule.ts';
import { GuestTokenSession } from '../../src/session/session.ts';
import { guestTokenSettings, isSomebody } from '../../src/session/settings.ts';
import type { SessionState } from '../../src/session/state.ts';
import {
  type FakeSource,
  fakeSource,
  HOUR,
  MINUTE,
  pass,
  SECOND,
  setOnline,
  setVisible,
  showWidget,
  status,
  withFakeTime,
} from '../react/page.tsx';
import { eachState, later, now, type StateName, states } from '../session/states.ts';

const fresh = 'Not refreshing: the token is fresh until 1 min before its end.';
const cooling = 'the last acquisition failed with unavailable, and a cool-down is on';
const named = 'the server asked for a pause (rate_limited)';
const unwatched =
  'Not refreshing: no provider shows this visitor. Next check when a provider shows this visitor.';
const signedOut =
  'Not refreshing: the visitor has signed out. Next check when a provider shows this visitor.';
const hidden = 'Not refreshing: the tab is hidden and keepFresh is while-visible.';
const whenVisible = 'Next check when it becomes visible.';
const onDemand = 'Not refreshing: keepFresh is on-demand.';
const whenAsked = 'Next check when something asks for a token.';
const until59 = 'Until 59 min from now it finds nothing to do.';
const until20 = 'Until 20 s from now it finds nothing to do.';
const attempting =
  'Refreshing now: attempt 1 of 3 is under way. Next check when the answer is here.';
const waiting = 'Waiting to refresh: attempt 1 of 3 failed with unavailable. Next check in 20 s.';

interface Row {
  readonly state: string;
  /** Where the session refreshes by itself. */
  readonly wanted: string;
  /** While the tab is hidden; default: the same. */
  readonly hidden?: string;
  /** Default: the same. */
  readonly onDemand?: string;
}

const table: Readonly<Record<StateName, Row>> = {
  'nothing has happened yet': { state: 'No token yet', wanted: unwatched },
  'a provider waits': {
    state: 'No token yet',
    wanted: 'Refreshing now: there is no token yet. Next check now.',
    hidden: `${hidden} ${whenVisible}`,
    onDemand: `${onDemand} ${whenAsked}`,
  },
  'the first token is being acquired': { state: 'Getting a token', wanted: attempting },
  'the first attempt has failed': { state: 'No token, trying again', wanted: waiting },
  'an attempt has failed and no provider is left': {
    state: 'No token, trying again',
    wanted: waiting,
  },
  'a token is in hand': {
    state: 'Fresh',
    wanted: `${fresh} Next check in 59 min.`,
    hidden: `${hidden} ${whenVisible} ${until59}`,
    onDemand: `${onDemand} ${whenAsked} ${until59}`,
  },
  'a token is in hand and no provider is left': {
    state: 'Fresh',
    wanted: `${unwatched} ${until59}`,
  },
  'the token is being renewed': { state: 'Valid, being renewed', wanted: attempting },
  'a server has refused the token': {
    state: 'Refused by a server',
    wanted: 'Refreshing now: a server has refused the token. Next check now.',
    hidden: `${hidden} ${whenVisible}`,
    onDemand: `${onDemand} ${whenAsked}`,
  },
  'refused tokens are not replaced for now': {
    state: 'Fresh',
    wanted: `${fresh} Next check in 59 min.`,
    hidden: `${hidden} ${whenVisible} ${until59}`,
    onDemand: `${onDemand} ${whenAsked} ${until59}`,
  },
  'the token has run out': {
    state: 'Expired',
    wanted: 'Refreshing now: the token has expired. Next check now.',
    hidden: `${hidden} ${whenVisible}`,
    onDemand: `${onDemand} ${whenAsked}`,
  },
  'a cool-down is on': {
    state: 'No token: unavailable',
    wanted: `Not refreshing: ${cooling}. Next check in 20 s.`,
    hidden: `${hidden} ${whenVisible}`,
    onDemand: `Not refreshing: ${cooling}, and keepFresh is on-demand. ${whenAsked} ${until20}`,
  },
  'a cool-down is on and no provider is left': {
    state: 'No token: unavailable',
    wanted: `${unwatched} ${until20}`,
  },
  'a cool-down is on while a token is in hand': {
    state: 'Valid, the last renewal failed',
    wanted: `Not refreshing: ${cooling}. Next check in 59 min.`,
    hidden: `${hidden} ${whenVisible} ${until59}`,
    onDemand: `Not refreshing: ${cooling}, and keepFresh is on-demand. ${whenAsked} ${until59}`,
  },
  'a pause of a length that the server named is on': {
    state: 'No token: rate_limited',
    wanted: `Not refreshing: ${named}. Next check in 20 s.`,
    hidden: `${hidden} ${whenVisible} ${until20}`,
    onDemand: `Not refreshing: ${named}, and keepFresh is on-demand. ${whenAsked} ${until20}`,
  },
  'a cool-down has just ended': {
    state: 'No token: unavailable',
    wanted: 'Refreshing now: there is no token yet. Next check now.',
    hidden: `${hidden} ${whenVisible}`,
    onDemand: `${onDemand} ${whenAsked}`,
  },
  'the page is offline': {
    state: 'No token yet',
    wanted: 'Refreshing now: there is no token yet. Next check now.',
    hidden: `${hidden} ${whenVisible}`,
    onDemand: `${onDemand} ${whenAsked}`,
  },
  'the page is offline after a failure': {
    state: 'No token: unavailable',
    wanted: 'Not refreshing: the page is offline. Next check when the network is back.',
    hidden: `Not refreshing: the tab is hidden and keepFresh is while-visible; the page is offline, too. ${whenVisible}`,
    onDemand: `Not refreshing: ${cooling}, and keepFresh is on-demand. ${whenAsked} ${until20}`,
  },
  'the page is back from the back/forward cache': {
    state: 'No token until it is confirmed',
    wanted: 'Refreshing now: the page is back from the back/forward cache. Next check now.',
    hidden: `${hidden} ${whenVisible}`,
    onDemand: `${onDemand} ${whenAsked}`,
  },
  'the visitor has signed out': { state: 'Signed out', wanted: signedOut },
  'the visitor has signed out while a provider shows the session': {
    state: 'Signed out',
    wanted: signedOut,
  },
};

const conditions: readonly [KeepFresh, 'visible' | 'hidden', 'wanted' | 'hidden' | 'onDemand'][] = [
  ['while-visible', 'visible', 'wanted'],
  ['while-visible', 'hidden', 'hidden'],
  ['always', 'visible', 'wanted'],
  ['always', 'hidden', 'wanted'],
  ['on-demand', 'visible', 'onDemand'],
  ['on-demand', 'hidden', 'onDemand'],
];

const retry = { attempts: 3 };

/** The whole answer, as the inspector shows it. */
function answer(
  state: SessionState,
  keepFresh: KeepFresh,
  isVisible: boolean,
  at: Instant,
): string {
  const { reason, next } = whyOf(state, { keepFresh, retry }, isVisible, at);
  return `${reason} ${nextCheckText(next)}`;
}

describe.each(conditions)(
  'with keepFresh "%s" on a %s page, the answer',
  (keepFresh, page, column) => {
    test.each(eachState())('in the state "%s"', (name, state) => {
      const row = table[name];
      expect(answer(state, keepFresh, page === 'visible', now)).toBe(row[column] ?? row.wanted);
    });
  },
);

test.each(eachState())('the state "%s" has a name for people', (name, state) => {
  expect(stateText(state, now)).toBe(table[name].state);
});

test('a token is due for renewal from its refresh point on', () => {
  const state = states['a token is in hand'];
  const at = later(59 * MINUTE);
  expect(stateText(state, at)).toBe('Valid, due for renewal');
  expect(answer(state, 'always', true, at)).toBe(
    'Refreshing now: the token has reached its refresh point. Next check now.',
  );
});

describe('what is predicted happens', () => {
  withFakeTime();

  const sessions: GuestTokenSession[] = [];
  afterEach(() => {
    for (const session of sessions.splice(0)) session.dispose();
  });

  /** A state of the table, as if it had come about just now. */
  function atPresent(state: SessionState): SessionState {
    const present = readClock();
    const moveMs = present.monotonicMs - now.monotonicMs;
    const move = (token: GuestToken): GuestToken =>
      new GuestToken(token.value, { ...token, requestedAt: present });
    const { held, latest, throttle } = state;
    const { pause } = throttle;
    const token = latest && move(latest);
    return {
      ...state,
      latest: token,
      held: held && token && { ...held, token },
      throttle: {
        ...throttle,
        pause: pause && {
          ...pause,
          until: pause.until + moveMs,
          endsAtMs: present.wallMs + pause.until - now.monotonicMs,
        },
        requests: throttle.requests.map((deadline) => deadline + moveMs),
        refusedUntil: throttle.refusedUntil + moveMs,
      },
    };
  }

  function begin(state: SessionState, keepFresh: KeepFresh, source: FakeSource): GuestTokenSession {
    const settings = guestTokenSettings({ externalId: 'visitor', source, keepFresh });
    if (!isSomebody(settings)) throw new Error('Somebody is here.');
    const session = new GuestTokenSession({
      key: 'visitor',
      settings,
      mirror: { write: () => undefined, remove: () => undefined },
      remains: atPresent(state),
      endsWithProvider: false,
      onDispose: () => undefined,
    });
    sessions.push(session);
    // Any news makes it look at what is due.
    session.store.emit({ type: 'storage-failed' });
    return session;
  }

  /** Lets the moment come, or the thing happen, that the session waits for. */
  async function follow(next: NextCheck, session: GuestTokenSession, source: FakeSource) {
    const waitMs = next.on === 'time' ? next.inMs : next.notBeforeMs;
    const before = source.requests.length;
    // What comes "now" may take a turn.
    if (waitMs > 0) {
      await pass(waitMs - 1);
      expect(source.requests, 'before its time').toHaveLength(before);
    }
    await pass(waitMs > 0 ? 1 : 0);
    await happens(next.on, session);
  }

  async function happens(event: NextCheck['on'], session: GuestTokenSession): Promise<void> {
    if (event === 'visible') await setVisible(true);
    if (event === 'online') await setOnline(true);
    if (event === 'asked') session.flight.getToken().catch(() => undefined);
    if (event === 'shown') session.watch(undefined, () => false);
    await pass(1);
  }

  const resting = eachState().filter(([, state]) => !state.acquisition);

  describe.each(conditions)('with keepFresh "%s" on a %s page', (keepFresh, page) => {
    test.each(resting)('in the state "%s"', async (_name, state) => {
      await setVisible(page === 'visible');
      await setOnline(state.isOnline);
      const source = fakeSource();
      const session = begin(state, keepFresh, source);
      await Promise.resolve();
      // The check may find another thing to wait for, but neither the same again nor more time.
      const waitedFor: NextCheck['on'][] = ['time'];
      while (source.requests.length === 0) {
        const { state: present } = session.store;
        const isVisible = document.visibilityState === 'visible';
        const { next } = whyOf(present, { keepFresh, retry }, isVisible, readClock());
        if (waitedFor.length > 1) expect(waitedFor).not.toContain(next.on);
        waitedFor.push(next.on);
        await follow(next, session, source);
      }
      expect(source.requests).toHaveLength(1);
    });
  });

  describe.each(conditions.filter(([, , column]) => column !== 'wanted'))(
    'with keepFresh "%s" on a %s page, an event that comes too early finds nothing to do',
    (keepFresh, page) => {
      const early = resting.filter(([, state]) => {
        const { next } = whyOf(state, { keepFresh, retry }, page === 'visible', now);
        return next.on !== 'time' && next.notBeforeMs > 0;
      });
      test.each(early)('in the state "%s"', async (_name, state) => {
        await setVisible(page === 'visible');
        await setOnline(state.isOnline);
        const source = fakeSource();
        const session = begin(state, keepFresh, source);
        const { next } = whyOf(state, { keepFresh, retry }, page === 'visible', now);
        await pass(10 * SECOND);
        await happens(next.on, session);
        expect(source.requests).toHaveLength(0);
      });
    },
  );

  describe.each(conditions)(
    'with keepFresh "%s" on a %s page, without the event nothing is asked',
    (keepFresh, page) => {
      test.each(resting)('in the state "%s"', async (_name, state) => {
        await setVisible(page === 'visible');
        await setOnline(state.isOnline);
        const source = fakeSource();
        begin(state, keepFresh, source);
        const { next } = whyOf(state, { keepFresh, retry }, page === 'visible', now);
        if (next.on === 'time') return;
        await pass(10 * MINUTE);
        expect(source.requests).toHaveLength(0);
      });
    },
  );

  /** The answer for the one session on the page. */
  function whyNow(): { reason: string; next: NextCheck } {
    const [session] = openSessions();
    if (!session) throw new Error('There is no session.');
    return whyOf(session.store.state, session.store.settings, true, readClock());
  }

  test('between two attempts', async () => {
    const source = fakeSource(status(503));
    showWidget({ source });
    await pass();
    const { reason, next } = whyNow();
    expect(reason).toBe('Waiting to refresh: attempt 1 of 3 failed with unavailable.');
    expect(next).toEqual({ on: 'time', inMs: 2 * SECOND });
    await pass(2 * SECOND - 1);
    expect(source.requests).toHaveLength(1);
    await pass(2);
    expect(source.requests).toHaveLength(2);
  });

  test('during an attempt', async () => {
    const source = fakeSource();
    source.answer = async () => {
      expect(whyNow().reason).toBe('Refreshing now: attempt 1 of 3 is under way.');
      throw new Response(null, { status: 400 });
    };
    showWidget({ source });
    await pass();
    expect(source.requests).toHaveLength(1);
    expect(whyNow().reason).toBe(
      'Not refreshing: the last acquisition failed with rejected, and a cool-down is on.',
    );
  });

  test('while an acquisition waits for the network', async () => {
    await setOnline(false);
    const source = fakeSource();
    showWidget({ source });
    await pass();
    expect(whyNow()).toEqual({
      reason: 'Waiting to refresh: the page is offline.',
      next: { on: 'online', notBeforeMs: 0, withinMs: 10 * SECOND },
    });
    expect(nextCheckText(whyNow().next)).toBe(
      'Next check when the network is back, in 10 s at the latest.',
    );
    await pass(5 * SECOND);
    expect(source.requests).toHaveLength(0);
    await setOnline(true);
    expect(source.requests).toHaveLength(1);
  });

  test('while the server has asked for a pause', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '120' }));
    showWidget({ source });
    await pass();
    const { reason, next } = whyNow();
    expect(reason).toBe('Not refreshing: the server asked for a pause (rate_limited).');
    expect(next).toEqual({ on: 'time', inMs: 2 * MINUTE });
    await pass(2 * MINUTE - 1);
    expect(source.requests).toHaveLength(1);
    await pass(2);
    expect(source.requests).toHaveLength(2);
  });

  test('once the request budget is spent', async () => {
    const source = fakeSource();
    const page = showWidget({ source });
    await pass();
    for (let times = 0; times < 10; times++) {
      page.view.refresh().catch(() => undefined);
      await pass(SECOND);
    }
    const { reason } = whyNow();
    expect(reason).toBe('Not refreshing: the source was asked 10 times in a minute.');
    expect(source.requests).toHaveLength(10);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
  });
});

test.each([
  [0, '0 s'],
  [-5, '0 s'],
  [1, '1 s'],
  [59_001, '1 min'],
  [90_000, '1 min 30 s'],
  [HOUR, '1 h'],
  [HOUR + SECOND, '1 h'],
  [26 * HOUR, '1 d 2 h'],
])('%i ms are "%s"', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
