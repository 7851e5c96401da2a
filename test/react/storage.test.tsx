import { render } from '@testing-library/react';
import { useLayoutEffect, useState } from 'react';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { GuestTokenProvider } from '../../src/index.ts';
import {
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  Probe,
  pass,
  SECOND,
  showWidget,
  sleepMachine,
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer, refusing } from './server.ts';

withFakeTime();
beforeEach(() => sessionStorage.clear());

/** The visitor goes to another page of the site: memory is gone, session storage is not. */
async function loadNextPage(page: { unmount(): void }): Promise<void> {
  const kept = Object.entries(sessionStorage);
  page.unmount();
  await pass();
  for (const [key, value] of kept) sessionStorage.setItem(key, value);
}

function stored(): string {
  return JSON.stringify(Object.entries(sessionStorage));
}

describe('storage "session"', () => {
  test('session storage keeps token and expiry over a page load without a request', async () => {
    const first = showWidget({ source: fakeSource(), storage: 'session' });
    await pass();
    const { token, visitorId, expiresAtMs } = first.view;
    await pass(MINUTE);
    await loadNextPage(first);
    sleepMachine(MINUTE);
    const source = fakeSource();
    const next = showWidget({ source, storage: 'session' });
    await pass();
    expect(next.view).toMatchObject({ status: 'success', token, visitorId });
    expect(Number(next.view.expiresAtMs) - Number(expiresAtMs)).toBeCloseTo(0, -2);
    expect(source.requests).toHaveLength(0);
    await pass(56 * MINUTE);
    expect(source.requests).toHaveLength(0);
    await pass(MINUTE);
    expect(source.requests).toHaveLength(1);
  });

  test('session storage keeps the token while the widget is unmounted', async () => {
    const source = fakeSource();
    const first = showWidget({ source, storage: 'session' });
    await pass();
    const { token } = first.view;
    first.unmount();
    await pass(MINUTE);
    const next = showWidget({ source, storage: 'session' });
    await pass();
    expect(next.view.token).toBe(token);
    expect(source.requests).toHaveLength(1);
  });

  test('session storage keeps renewed tokens', async () => {
    const first = showWidget({ source: fakeSource(issuing(HOUR)), storage: 'session' });
    await pass(90 * MINUTE);
    const { token } = first.view;
    await loadNextPage(first);
    const source = fakeSource();
    const next = showWidget({ source, storage: 'session' });
    await pass();
    expect(next.view.token).toBe(token);
    expect(source.requests).toHaveLength(0);
  });

  test('session storage does not give a token to another visitor, channel or source', async () => {
    const first = showWidget({ source: fakeSource(), storage: 'session', externalId: 'ann' });
    await pass();
    await loadNextPage(first);
    for (const other of [
      { externalId: 'bob' },
      { externalId: 'ann', channelId: 'support' },
      { externalId: 'ann', source: Object.assign(fakeSource(), { key: 'other' }) },
    ]) {
      const source = fakeSource();
      const next = showWidget({ source, storage: 'session', ...other });
      await pass();
      expect((other.source ?? source).requests).toHaveLength(1);
      next.unmount();
    }
  });

  test('session storage does not show a token that expired between two pages', async () => {
    const first = showWidget({ source: fakeSource(issuing(HOUR)), storage: 'session' });
    await pass();
    const { token } = first.view;
    await loadNextPage(first);
    sleepMachine(HOUR);
    const source = fakeSource(issuing(HOUR, SECOND));
    const next = showWidget({ source, storage: 'session' });
    expect(next.probe.shown).toBe('pending none');
    await pass(SECOND);
    expect(next.view.token).not.toBe(token);
    expect(next.probe.tokens).not.toContain(token);
  });

  test('session storage forgets the token when the visitor signs out', async () => {
    const page = showWidget({ source: fakeSource(), storage: 'session' });
    await pass();
    expect(stored()).toContain(page.view.token);
    const { token } = page.view;
    page.update({ externalId: null });
    await pass();
    expect(stored()).not.toContain(token);
  });

  test('session storage forgets a token that a server has rejected', async () => {
    const source = fakeSource();
    const page = showWidget({ source, storage: 'session' });
    await pass();
    const { token } = page.view;
    fakeServer(refusing(token));
    source.answer = status(400);
    page.fetch('/api/conversations');
    await pass();
    expect(stored()).not.toContain(token);
  });
});

test('nothing is stored by default', async () => {
  const page = showWidget({ source: fakeSource() });
  await pass(3 * HOUR);
  page.unmount();
  expect([sessionStorage.length, localStorage.length, document.cookie]).toEqual([0, 0, '']);
});

const denied = (): never => {
  throw new DOMException('denied', 'SecurityError');
};
const broken: Record<string, () => unknown> = {
  full: () =>
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    }),
  blocked: () => vi.spyOn(window, 'sessionStorage', 'get').mockImplementation(denied),
  unreadable: () => vi.spyOn(Storage.prototype, 'getItem').mockImplementation(denied),
  corrupt: () => vi.spyOn(Storage.prototype, 'getItem').mockReturnValue('{"tok'),
};

describe.for(Object.entries(broken))('storage that is %s', ([, breakIt]) => {
  test('broken storage degrades to memory and emits storage-failed', async () => {
    breakIt();
    const source = fakeSource(issuing(HOUR));
    const page = showWidget({ source, storage: 'session' });
    await pass(10 * HOUR);
    expect(page.view).toMatchObject({ status: 'success', error: null });
    expect(source.requests).toHaveLength(11);
    expect(page.events.map(({ type }) => type)).toContain('storage-failed');
    page.update({ externalId: 'other' });
    await pass();
    expect(page.view.status).toBe('success');
  });

  test('broken storage is not reported during a render', async () => {
    breakIt();
    let isRendering = false;
    const toldInRender: string[] = [];
    const source = fakeSource();
    const { Widget } = new Probe();
    function App() {
      const [events, setEvents] = useState<string[]>([]);
      isRendering = true;
      useLayoutEffect(() => {
        isRendering = false;
      });
      return (
        <>
          <output>{events.join(' ')}</output>
          <GuestTokenProvider
            externalId="visitor"
            source={source}
            storage="session"
            onEvent={({ type }) => {
              if (isRendering) toldInRender.push(type);
              else setEvents((before) => [...before, type]);
            }}
          >
            <Widget />
          </GuestTokenProvider>
        </>
      );
    }
    const { container } = render(<App />);
    await pass();
    expect(toldInRender).toEqual([]);
    expect(container.textContent).toContain('storage-failed');
    expect(container.textContent).toContain('success ey');
  });
});

test.for([
  'null',
  '42',
  '[]',
  '{}',
  '{"id":"x","token":"","expires_in":3600,"sharedAtMs":1}',
  '{"id":"x","token":"abc","expires_in":1e999,"sharedAtMs":1}',
])('storage that holds %s counts as empty', async (junk) => {
  const first = showWidget({ source: fakeSource(), storage: 'session' });
  await pass();
  await loadNextPage(first);
  for (const key of Object.keys(sessionStorage)) sessionStorage.setItem(key, junk);
  const source = fakeSource();
  const page = showWidget({ source, storage: 'session' });
  await pass();
  expect(page.view.status).toBe('success');
  expect(source.requests).toHaveLength(1);
});

test('a token that expired between two pages counts as none', async () => {
  const first = showWidget({ source: fakeSource(issuing(10 * MINUTE)), storage: 'session' });
  await pass();
  await loadNextPage(first);
  sleepMachine(HOUR);
  const source = fakeSource();
  const next = showWidget({ source, storage: 'session' });
  await pass();
  expect(next.events.map(({ type }) => type)).toEqual(['acquiring', 'acquired']);
  expect(source.requests.map(({ fresh }) => fresh)).toEqual([false]);
});
