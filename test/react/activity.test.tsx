import { render } from '@testing-library/react';
import * as React from 'react';
import { describe, expect, test, vi } from 'vitest';
import { GuestTokenProvider, type GuestTokenProviderProps } from '../../src/index.ts';
import {
  type FakeSource,
  fakeSource,
  focusWindow,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  Probe,
  pass,
  SECOND,
  showWidget,
  sleepMachine,
  watchListeners,
  withFakeTime,
} from './page.tsx';

withFakeTime();

const { Activity, StrictMode } = React;

function show(source: FakeSource, props: Partial<GuestTokenProviderProps> = {}) {
  const probe = new Probe();
  // the same element each time, so that React hides and shows it without rendering it again
  const content = (
    <GuestTokenProvider externalId="visitor" source={source} {...props}>
      <probe.Widget />
    </GuestTokenProvider>
  );
  const Page = ({ visible }: { visible: boolean }) => (
    <Activity mode={visible ? 'visible' : 'hidden'}>{content}</Activity>
  );
  const { rerender } = render(<Page visible />, { wrapper: StrictMode });
  return {
    probe,
    hide: () => rerender(<Page visible={false} />),
    show: () => rerender(<Page visible />),
  };
}

// React 19.2 brought <Activity>.
describe.skipIf(!('Activity' in React))('a provider inside an <Activity>', () => {
  test('a hidden <Activity> makes no request and leaves no timer or listener', async () => {
    const listeners = watchListeners();
    const source = fakeSource(issuing(HOUR));
    const page = show(source);
    await pass();
    page.hide();
    await pass();
    expect(vi.getTimerCount()).toBe(0);
    expect(listeners.count).toBe(0);
    await pass(5 * HOUR);
    await focusWindow();
    expect(source.requests).toHaveLength(1);
  });

  test('an <Activity> that is shown again has a token and renews it from then on', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = show(source);
    await pass();
    page.hide();
    await pass(MINUTE);
    page.show();
    await pass();
    expect(page.probe.view.status).toBe('success');
    expect(source.requests.length).toBeLessThanOrEqual(2);
    const asked = source.requests.length;
    await pass(HOUR);
    expect(source.requests).toHaveLength(asked + 1);
  });

  test('an <Activity> that is shown again never renders an expired token', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = show(source);
    await pass();
    const dead = page.probe.view.token;
    page.hide();
    await pass();
    sleepMachine(2 * HOUR);
    page.probe.tokens.length = 0;
    page.show();
    await pass();
    expect(page.probe.tokens).not.toContain(dead);
    expect(page.probe.view.status).toBe('success');
  });

  test('getToken and refresh keep their identity and work after an <Activity> is shown again', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = show(source);
    await pass();
    const { getToken, refresh } = page.probe.view;
    page.hide();
    await pass(MINUTE);
    page.show();
    await pass();
    expect(page.probe.view).toMatchObject({ getToken, refresh });
    expect(await getToken()).toBe(page.probe.view.token);
    const refreshed = outcomeOf(refresh());
    await pass();
    expect(refreshed.token).toBe(page.probe.view.token);
  });

  test('an <Activity> that is hidden during its first request and shown again makes at most two requests', async () => {
    const source = fakeSource(issuing(HOUR, 3 * SECOND));
    const page = show(source);
    await pass(SECOND);
    page.hide();
    await pass(SECOND);
    page.show();
    await pass(3 * SECOND);
    expect(page.probe.view.status).toBe('success');
    expect(source.requests.length).toBeLessThanOrEqual(2);
  });

  test('an <Activity> that is hidden and shown a hundred times in one turn makes one request', async () => {
    const source = fakeSource(issuing(HOUR, SECOND));
    const page = show(source);
    for (let n = 0; n < 100; n++) {
      page.hide();
      page.show();
    }
    await pass(2 * SECOND);
    expect(page.probe.view.status).toBe('success');
    expect(source.requests).toHaveLength(1);
  });

  test('an <Activity> that is hidden from the start makes its first request when it is shown', async () => {
    const source = fakeSource();
    const { Widget } = new Probe();
    const Page = ({ mode }: { mode: 'hidden' | 'visible' }) => (
      <Activity mode={mode}>
        <GuestTokenProvider externalId="visitor" source={source}>
          <Widget />
        </GuestTokenProvider>
      </Activity>
    );
    const { rerender, container } = render(<Page mode="hidden" />);
    await pass(HOUR);
    expect(source.requests).toHaveLength(0);
    rerender(<Page mode="visible" />);
    await pass();
    expect(container.textContent).toMatch(/^success ey/);
    expect(source.requests).toHaveLength(1);
  });

  test('a provider in an <Activity> that is hidden and shown again shares its renewals with a second provider', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = show(source, { shareAcrossTabs: false });
    await pass();
    page.hide();
    await pass();
    const second = showWidget({ source, shareAcrossTabs: false });
    await pass(MINUTE);
    page.show();
    await pass(MINUTE);
    expect(page.probe.view.token).toBe(second.view.token);
    const asked = source.requests.length;
    expect(asked).toBeLessThanOrEqual(2);
    for (let hours = 1; hours <= 3; hours++) {
      await pass(HOUR);
      expect(source.requests).toHaveLength(asked + hours);
      expect(page.probe.view.token).toBe(second.view.token);
    }
  });
});
