// Who is told of a session's state, of what, and how often.
import { expect, test, vi } from 'vitest';
import { readClock } from '../../src/core/clock.ts';
import type { GuestTokenEvent } from '../../src/core/events.ts';
import { guestTokenSettings, isSomebody } from '../../src/session/settings.ts';
import { initialState } from '../../src/session/state.ts';
import { SessionStore } from '../../src/session/store.ts';
import { withFakeClocks } from '../fakeClocks.ts';
import { failed, makeToken } from './states.ts';

withFakeClocks();

function open(onEvent: (event: GuestTokenEvent) => void = () => undefined) {
  const settings = guestTokenSettings({ externalId: 'ada', onEvent });
  if (!isSomebody(settings)) throw new Error('Somebody is here.');
  const mirror = { write: vi.fn(), remove: vi.fn() };
  const store = new SessionStore('key', settings, initialState, mirror);
  const listener = vi.fn();
  return { store, mirror, listener, unsubscribe: store.subscribe(listener) };
}

const turn = () => vi.advanceTimersByTimeAsync(0);

test('a view is the same object until something changes', () => {
  const { store } = open();
  const before = store.getView();
  expect(store.getView()).toBe(before);
  store.dispatch({ type: 'acquisition-started' });
  const after = store.getView();
  expect(after).not.toBe(before);
  expect(store.getView()).toBe(after);
});

test('what happens in one turn is told once, after it, with the fields that have changed', async () => {
  const { store, mirror, listener } = open();
  store.dispatch({ type: 'acquisition-started' });
  store.dispatch({ type: 'attempt-failed', attempt: 1, error: failed, delayMs: 2_000 });
  expect(listener).not.toHaveBeenCalled();
  await turn();
  expect(listener).toHaveBeenCalledOnce();
  expect(listener.mock.calls[0]?.[0]).toEqual(['error', 'retryAtMs', 'isFetching']);
  expect(mirror.write).toHaveBeenCalledOnce();
});

test('a token that is replaced is told as its token and its expiry', async () => {
  const { store, listener } = open();
  store.dispatch({
    type: 'token-acquired',
    attempt: 1,
    token: makeToken('ada', { requestedAt: readClock() }),
  });
  await turn();
  await vi.advanceTimersByTimeAsync(1_000);
  const next = makeToken('ben', { visitorId: 'ada', requestedAt: readClock() });
  store.dispatch({ type: 'token-acquired', attempt: 1, token: next });
  await turn();
  expect(listener.mock.calls[1]?.[0]).toEqual(['token', 'expiresAtMs']);
});

test('nobody is told if nothing has happened', async () => {
  const { store, mirror, listener } = open();
  store.dispatch({ type: 'signed-in' }); // they were
  store.notify();
  await turn();
  expect(listener).not.toHaveBeenCalled();
  expect(mirror.write).not.toHaveBeenCalled();
});

test('notify tells at once what would be told after the turn, and not again', async () => {
  const { store, listener } = open();
  store.dispatch({ type: 'acquisition-started' });
  store.notify();
  expect(listener).toHaveBeenCalledOnce();
  await turn();
  expect(listener).toHaveBeenCalledOnce();
});

test('a listener that has unsubscribed is not called', async () => {
  const { store, listener, unsubscribe } = open();
  unsubscribe();
  store.dispatch({ type: 'acquisition-started' });
  await turn();
  expect(listener).not.toHaveBeenCalled();
});

test('what onEvent throws is reported as the page’s own error; everybody else is told', async () => {
  const mistake = new Error('A mistake of the page.');
  const { store, listener } = open(() => {
    throw mistake;
  });
  const report = vi.fn();
  vi.stubGlobal('reportError', report);
  store.emit({ type: 'signed-out' });
  await turn();
  expect(report).toHaveBeenCalledExactlyOnceWith(mistake);
  expect(listener).toHaveBeenCalledOnce();
});

test('what onEvent throws is lost where errors can not be reported', async () => {
  const { store, listener } = open(() => {
    throw new Error('A mistake of the page.');
  });
  vi.stubGlobal('reportError', undefined);
  store.emit({ type: 'signed-out' });
  await turn();
  expect(listener).toHaveBeenCalledOnce();
});
