// What a provider hands out: functions that act for whoever is the visitor now.
import { expect, test, vi } from 'vitest';
import { createCurrentSession } from '../../src/session/currentSession.ts';
import { guestTokenSettings } from '../../src/session/settings.ts';
import { type FakeTokenSource, fakeTokenSource } from '../../src/testing/index.ts';
import { withFakeClocks } from '../fakeClocks.ts';
import { openSession } from './openSession.ts';

const API = 'https://api.mypurecloud.ie';

withFakeClocks();

/** A provider that shows this visitor, until `leave`. */
function provide(source: FakeTokenSource) {
  const current = createCurrentSession();
  const settings = guestTokenSettings({ externalId: 'ada', source });
  const nobody = guestTokenSettings({ externalId: null });
  const session = openSession({ source });
  const come = () => current.commit(session, settings, [API]);
  come();
  return { current, session, come, leave: () => current.commit(null, nobody, [API]) };
}

test('a token in hand is not handed out if the visitor leaves in the same turn', async () => {
  const { current, leave } = provide(fakeTokenSource());
  await current.getToken();
  const token = current.getToken();
  leave();
  await expect(token).rejects.toMatchObject({ code: 'aborted' });
});

test('callers that wait for one acquisition cost one listener together', async () => {
  const { current } = provide(fakeTokenSource({ delayMs: 1_000 }));
  const listen = vi.spyOn(Object.getPrototypeOf(new AbortController().signal), 'addEventListener');
  const first = current.getToken();
  await vi.advanceTimersByTimeAsync(1);
  listen.mockClear();
  const all = Promise.all(Array.from({ length: 1_000 }, () => current.getToken()));
  await vi.advanceTimersByTimeAsync(998);
  expect(listen).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(new Set(await all)).toEqual(new Set([await first]));
});

test('a call whose visitor has left gets the refusal, and costs no new token', async () => {
  const source = fakeTokenSource();
  const { current, leave } = provide(source);
  await current.getToken();
  vi.stubGlobal('fetch', async () => {
    leave();
    return new Response('signed out', { status: 401 });
  });
  const response = await current.fetch(`${API}/x`);
  expect([response.status, await response.text()]).toEqual([401, 'signed out']);
  expect(source.requests).toHaveLength(1);
});

test('a visitor who leaves and is back in the same turn has not signed out', async () => {
  const source = fakeTokenSource();
  const { current, session, come, leave } = provide(source);
  const end = current.watch(session);
  const token = await current.getToken();
  leave();
  come();
  await vi.advanceTimersByTimeAsync(1);
  expect(await current.getToken()).toBe(token);
  leave();
  await vi.advanceTimersByTimeAsync(1);
  expect(session.store.getView().status).toBe('idle');
  end();
});

test('a provider that is taken off the page and put back goes on without a new commit', async () => {
  const source = fakeTokenSource();
  const { current, session } = provide(source);
  const end = current.watch(session);
  await current.getToken();
  end();
  await vi.advanceTimersByTimeAsync(1);
  await expect(current.getToken()).rejects.toMatchObject({ code: 'aborted' });
  current.watch(session);
  expect(await current.getToken()).toBe(source.tokens.at(-1));
});
