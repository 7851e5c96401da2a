// What the tabs of one visitor tell each other, and how they take turns.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Tabs } from '../../src/session/tabs.ts';
import { FakeChannel, FakeLocks } from '../fakeBrowser.ts';
import { token } from './states.ts';

const ASK_MS = 75;
const LONGEST_ANSWER_MS = 40;
const LOCK_MS = 2_000;

interface Tab {
  readonly tabs: Tabs;
  /** What it has heard from the others, oldest first. */
  readonly heard: unknown[];
}

let locks: FakeLocks;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.99);
  FakeChannel.open.clear();
  vi.stubGlobal('BroadcastChannel', FakeChannel);
  locks = new FakeLocks();
  vi.stubGlobal('navigator', { locks });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function closedTab(): Tab {
  const heard: unknown[] = [];
  return { heard, tabs: new Tabs('visitor', (type) => heard.push(type)) };
}

function openTab(): Tab {
  const tab = closedTab();
  tab.tabs.open();
  return tab;
}

/** Goes on until `end` is called. */
function longWork() {
  let end = (): void => undefined;
  const working = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { working, end };
}

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const never = new AbortController().signal;

describe('an answer', () => {
  test('comes at once from a tab that has heard of no other tab', async () => {
    const [asking, answering] = [openTab(), openTab()];
    answering.tabs.answer(token);
    await pass();
    expect(asking.heard).toEqual(['token']);
  });

  test('comes at once from the tab that told the latest token', async () => {
    const [asking, first, second] = [openTab(), openTab(), openTab()];
    first.tabs.tell('token', token);
    await pass();
    second.tabs.tell('token', token);
    await pass();
    asking.heard.length = 0;
    first.tabs.answer(token);
    second.tabs.answer(token);
    await pass();
    expect(asking.heard).toEqual(['token']);
    await pass(LONGEST_ANSWER_MS);
    expect(asking.heard).toEqual(['token']); // the first tab has heard the answer of the second
  });

  test('comes from another tab within 40 ms if the one that should is silent', async () => {
    const [asking, silent, other] = [openTab(), openTab(), openTab()];
    silent.tabs.tell('token', token);
    await pass();
    asking.heard.length = 0;
    other.tabs.answer(token);
    other.tabs.answer(token); // to another question
    await pass(LONGEST_ANSWER_MS - 1);
    expect(asking.heard).toEqual([]);
    await pass(1);
    expect(asking.heard).toEqual(['token']);
  });

  test('comes at once again after the tab that told the latest token has left', async () => {
    const [asking, leaving, other] = [openTab(), openTab(), openTab()];
    leaving.tabs.tell('token', token);
    await pass();
    leaving.tabs.close();
    await pass();
    expect(asking.heard).toEqual(['token', 'left']);
    other.tabs.answer(token);
    await pass();
    expect(asking.heard).toEqual(['token', 'left', 'token']);
  });

  test('is not needed for a word that is not about tokens', async () => {
    const [asking, latest, other] = [openTab(), openTab(), openTab()];
    latest.tabs.tell('token', token);
    await pass();
    other.tabs.tell('signed-in');
    asking.heard.length = 0;
    other.tabs.answer(token);
    await pass(1);
    expect(asking.heard).toEqual(['signed-in']);
  });
});

describe('a tab that closes', () => {
  test('says so only if it is the one that answers at once', async () => {
    const [latest, other] = [openTab(), openTab()];
    latest.tabs.tell('token', token);
    await pass();
    other.tabs.close();
    await pass();
    expect(latest.heard).toEqual([]);
  });

  test('does not give the answer that it was about to give', async () => {
    const [latest, other] = [openTab(), openTab()];
    latest.tabs.tell('token', token);
    await pass();
    other.tabs.answer(token);
    other.tabs.close();
    other.tabs.open();
    await pass(LONGEST_ANSWER_MS);
    expect(latest.heard).toEqual([]);
  });

  test('hears the others again once its page is back', async () => {
    const [away, other] = [openTab(), openTab()];
    away.tabs.putAway();
    away.tabs.open(); // would cost its place in the back/forward cache
    other.tabs.tell('signed-out');
    await pass();
    expect(away.heard).toEqual([]);
    away.tabs.bringBack();
    other.tabs.tell('signed-in');
    await pass();
    expect(away.heard).toEqual(['signed-in']);
  });
});

describe('exclusively', () => {
  test('asks the other tabs, and begins when their time to answer is over', async () => {
    const [asking, other] = [closedTab(), openTab()];
    const work = vi.fn(async () => 'done');
    const result = asking.tabs.exclusively(never, true, undefined, work);
    await pass();
    expect(other.heard).toEqual(['ask']);
    other.tabs.answer(token);
    await pass(ASK_MS - 1);
    expect(asking.heard).toEqual(['token']);
    expect(work).not.toHaveBeenCalled();
    await pass(1);
    await expect(result).resolves.toBe('done');
    expect(locks.held).toBe(0);
  });

  test('does not ask if no token of theirs will do', async () => {
    const [mine, other] = [openTab(), openTab()];
    const work = vi.fn(async () => 'done');
    await mine.tabs.exclusively(never, false, undefined, work);
    await pass();
    expect(other.heard).toEqual([]);
  });

  test('has one tab work after the other', async () => {
    const [first, second] = [openTab(), openTab()];
    const { working, end } = longWork();
    const work = vi.fn(async () => 'done');
    const before = first.tabs.exclusively(never, false, undefined, () => working);
    const after = second.tabs.exclusively(never, false, undefined, work);
    await pass(LOCK_MS - 1);
    expect(work).not.toHaveBeenCalled();
    end();
    await before;
    await expect(after).resolves.toBe('done');
    expect(locks.held).toBe(0);
  });

  test('does not wait for a frozen tab for more than 2 s, nor keeps the lock that comes too late', async () => {
    const [frozen, second] = [openTab(), openTab()];
    const { working, end } = longWork();
    const work = vi.fn(async () => 'done');
    const before = frozen.tabs.exclusively(never, false, undefined, () => working);
    const after = second.tabs.exclusively(never, false, undefined, work);
    await pass(LOCK_MS);
    await expect(after).resolves.toBe('done');
    end();
    await before;
    expect(locks.held).toBe(0);
  });

  test('gives up if a token has come from another tab: no question, no work, no lock', async () => {
    const [first, second, third] = [openTab(), openTab(), openTab()];
    const { working, end } = longWork();
    const stop = new AbortController();
    const work = vi.fn(async () => 'done');
    const before = first.tabs.exclusively(never, false, undefined, () => working);
    const after = second.tabs.exclusively(stop.signal, true, undefined, work);
    await pass();
    end(); // the lock is granted in the very turn in which the wait is over
    stop.abort(new Error('There is a token.'));
    await expect(after).rejects.toThrow('There is a token.');
    await before;
    await pass(ASK_MS);
    expect(third.heard).toEqual([]);
    expect(work).not.toHaveBeenCalled();
    expect(locks.held).toBe(0);
  });

  test('releases the lock of a work that fails', async () => {
    const { tabs } = openTab();
    const failing = tabs.exclusively(never, false, undefined, () =>
      Promise.reject(new Error('It failed.')),
    );
    await expect(failing).rejects.toThrow('It failed.');
    await pass();
    expect(locks.held).toBe(0);
  });

  test('works without locks', async () => {
    vi.stubGlobal('navigator', {});
    const { tabs } = openTab();
    await expect(tabs.exclusively(never, false, undefined, async () => 'done')).resolves.toBe(
      'done',
    );
  });
});
