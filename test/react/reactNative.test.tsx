// React Native has a `window` without events, and no document.
import { act } from '@testing-library/react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GuestTokenProvider, type GuestTokenProviderProps } from '../../src/index.ts';
import {
  fakeSource,
  HOUR,
  issuing,
  outcomeOf,
  Probe,
  pass,
  SECOND,
  sleepMachine,
  status,
  withFakeTime,
} from './page.tsx';

withFakeTime();

let container: HTMLElement;
let root: Root;
beforeEach(() => {
  container = document.createElement('div');
  root = createRoot(container);
  vi.stubGlobal('navigator', { product: 'ReactNative' });
  for (const missing of [
    'document',
    'location',
    'addEventListener',
    'removeEventListener',
    'BroadcastChannel',
    'sessionStorage',
    'localStorage',
  ]) {
    vi.stubGlobal(missing, undefined);
  }
});
afterEach(() => act(async () => root.unmount()));

function show(props: Partial<GuestTokenProviderProps>): Probe {
  const probe = new Probe();
  const page = (
    <GuestTokenProvider externalId="visitor" {...props}>
      <probe.Widget />
    </GuestTokenProvider>
  );
  act(() => root.render(page));
  return probe;
}

test('a provider acquires and renews a token if the window has no events', async () => {
  expect(window.addEventListener).toBeUndefined();
  const source = fakeSource(issuing(HOUR));
  const probe = show({ source });
  await pass();
  expect(container.textContent).toMatch(/^success ey/);
  const first = probe.view.token;
  await pass(HOUR);
  expect(probe.view.status).toBe('success');
  expect(probe.view.token).not.toBe(first);
  expect(source.requests).toHaveLength(2);
});

test('an app that was asleep replaces an expired token within 30 s', async () => {
  const source = fakeSource(issuing(HOUR));
  const probe = show({ source });
  await pass();
  const dead = probe.view.token;
  sleepMachine(2 * HOUR);
  await pass(30 * SECOND);
  expect(probe.view.status).toBe('success');
  expect(probe.view.token).not.toBe(dead);
});

test('an app without page events recovers from failures, and refresh() and getToken work', async () => {
  const source = fakeSource(status(503));
  const probe = show({ source, storage: 'session' });
  await pass(10 * SECOND);
  expect(probe.view.status).toBe('error');
  source.answer = issuing(HOUR);
  await pass(30 * SECOND);
  expect(probe.view.status).toBe('success');
  const refreshed = outcomeOf(probe.view.refresh());
  await pass();
  expect(refreshed.token).toBe(probe.view.token);
  expect(await probe.view.getToken()).toBe(probe.view.token);
});

test('a provider without page events leaves no timer after unmounting', async () => {
  const source = fakeSource(issuing(HOUR));
  show({ source });
  await pass();
  await act(async () => root.unmount());
  expect(vi.getTimerCount()).toBe(0);
});
