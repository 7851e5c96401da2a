// Cool-downs and the request budget belong to the visitor: no way off the page and back ends them.
import { QueryClient } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import * as React from 'react';
import { beforeEach, describe, expect, test } from 'vitest';
import { GuestTokenProvider, type GuestTokenProviderProps } from '../../src/index.ts';
import {
  down,
  type FakeSource,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  type Page,
  Probe,
  pass,
  SECOND,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';
import { ASKING_MS, openTab, withTabs } from './tabs.tsx';

withFakeTime();

const { Activity } = React;

/** The most requests within any 60 s. */
function mostInAMinute({ askedAtMs }: FakeSource): number {
  const counts = askedAtMs.map(
    (from) => askedAtMs.filter((at) => at >= from && at < from + MINUTE).length,
  );
  return Math.max(0, ...counts);
}

const clients = {
  'the page’s own client': () => undefined,
  'a client of the host’s': () => new QueryClient(),
};

describe.for(Object.entries(clients))('on %s', ([, newClient]) => {
  let queryClient: QueryClient | undefined;
  beforeEach(() => {
    queryClient = newClient();
  });
  const mount = (props: Partial<GuestTokenProviderProps>): Page =>
    showWidget({ queryClient, ...props });

  const failures = {
    '503': status(503),
    '403': status(403),
    '400': status(400),
    '429 that names 240 s': status(429, { 'Retry-After': '240' }),
    '429 that names 20 s': status(429, { 'Retry-After': '20' }),
    'network that is down': down,
  };

  test.for(Object.entries(failures))(
    'sixty remounts in 30 s against a %s cost no more requests than a widget that stays mounted',
    async ([, answer]) => {
      const staying = fakeSource(answer);
      mount({ externalId: 'stays', source: staying });
      const source = fakeSource(answer);
      for (let remounts = 0; remounts < 60; remounts++) {
        const page = mount({ source });
        await pass(SECOND / 4);
        page.unmount();
        await pass(SECOND / 4 - 1);
      }
      expect(source.requests.length).toBeLessThanOrEqual(staying.requests.length);
      source.answer = issuing(HOUR);
      const page = mount({ source });
      await pass(5 * MINUTE);
      expect(page.view.status).toBe('success');
    },
  );

  test('sixty remounts in 30 s, each during a request, cost at most ten requests', async () => {
    const source = fakeSource(issuing(HOUR, SECOND / 2));
    for (let remounts = 0; remounts < 60; remounts++) {
      const page = mount({ source });
      await pass(SECOND / 4);
      page.unmount();
      await pass(SECOND / 4);
    }
    expect(source.requests.length).toBeLessThanOrEqual(10);
    const page = mount({ source });
    await pass(MINUTE);
    expect(page.view.status).toBe('success');
  });

  test('a widget that remounts during a Retry-After shows retryAtMs and makes its request then', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '240' }));
    const first = mount({ source });
    await pass();
    const endsAtMs = Date.now() + 240 * SECOND;
    expect(first.view.retryAtMs).toBe(endsAtMs);
    first.unmount();
    await pass(2 * SECOND);
    source.answer = issuing(HOUR);
    const second = mount({ source });
    await pass();
    expect(second.view).toMatchObject({ status: 'error', retryAtMs: endsAtMs });
    expect(second.view.error?.code).toBe('rate_limited');
    const got = outcomeOf(second.view.getToken());
    await pass();
    expect(got.code).toBe('rate_limited');
    await pass(238 * SECOND - 1);
    expect(source.requests).toHaveLength(1);
    await pass(1);
    expect(source.requests).toHaveLength(2);
    expect(second.view.status).toBe('success');
  });

  test('refresh() ends a Retry-After that a remounted widget has found', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '240' }));
    const first = mount({ source });
    await pass();
    first.unmount();
    await pass(SECOND);
    source.answer = issuing(HOUR);
    const second = mount({ source });
    const refreshed = outcomeOf(second.view.refresh());
    await pass();
    expect(second.view.status).toBe('success');
    expect(refreshed.token).toBe(second.view.token);
  });

  test('a widget that remounts during a cool-down and unmounts again makes no later request', async () => {
    const source = fakeSource(status(503));
    for (let remounts = 0; remounts < 3; remounts++) {
      const page = mount({ source });
      await pass(SECOND);
      page.unmount();
      await pass();
    }
    await pass(HOUR);
    expect(source.requests.length).toBeLessThanOrEqual(3);
  });

  test('refresh() from a remounted widget makes at most ten requests a minute', async () => {
    const source = fakeSource();
    const outcomes: { code?: string }[] = [];
    for (let remounts = 0; remounts < 40; remounts++) {
      const page = mount({ source });
      outcomes.push(outcomeOf(page.view.refresh()));
      await pass(SECOND);
      page.unmount();
      await pass();
    }
    expect(mostInAMinute(source)).toBeLessThanOrEqual(10);
    expect(outcomes.at(-1)?.code).toBe('rate_limited');
  });

  test('a visitor who signs out and in sixty times in 30 s costs at most ten requests', async () => {
    const source = fakeSource(status(503));
    const page = mount({ source });
    for (let times = 0; times < 60; times++) {
      await pass(SECOND / 4);
      page.update({ externalId: null });
      await pass(SECOND / 4);
      page.update({ externalId: 'visitor' });
    }
    expect(source.requests.length).toBeLessThanOrEqual(10);
    source.answer = issuing(HOUR);
    await pass(5 * MINUTE);
    expect(page.view.status).toBe('success');
  });

  test('another visitor does not wait for the first one’s Retry-After', async () => {
    const source = fakeSource(status(429, { 'Retry-After': '240' }));
    const first = mount({ source });
    await pass();
    first.unmount();
    source.answer = issuing(HOUR);
    const second = mount({ source, externalId: 'other' });
    await pass();
    expect(second.view.status).toBe('success');
  });

  // React 19.2 brought <Activity>.
  test.skipIf(!Activity)(
    'a provider that an <Activity> hides and shows keeps its Retry-After',
    async () => {
      const source = fakeSource(status(429, { 'Retry-After': '240' }));
      const probe = new Probe();
      const Page = ({ visible }: { visible: boolean }) => (
        <Activity mode={visible ? 'visible' : 'hidden'}>
          <GuestTokenProvider externalId="visitor" source={source} queryClient={queryClient}>
            <probe.Widget />
          </GuestTokenProvider>
        </Activity>
      );
      const { rerender } = render(<Page visible />);
      await pass();
      for (let times = 0; times < 20; times++) {
        rerender(<Page visible={false} />);
        await pass(SECOND);
        rerender(<Page visible />);
        await pass(SECOND);
      }
      expect(source.requests).toHaveLength(1);
      expect(probe.view).toMatchObject({ status: 'error', error: { code: 'rate_limited' } });
    },
  );
});

describe('another tab’s sign-outs', () => {
  withTabs();

  const answers = {
    'issues tokens': issuing(HOUR),
    fails: status(503),
    'names a pause of 240 s': status(429, { 'Retry-After': '240' }),
  };

  test.for(Object.entries(answers))(
    'a tab that signs out and in without end costs another tab, whose source %s, at most ten requests a minute',
    async ([, answer]) => {
      const source = fakeSource(answer);
      const innocent = await openTab({ source });
      const restless = await openTab({ source: fakeSource(answer), keepFresh: 'on-demand' });
      for (let times = 0; times < 200; times++) {
        restless.update({ externalId: times % 2 ? 'visitor' : null });
        await pass(SECOND / 5);
      }
      expect(source.requests.length).toBeGreaterThan(0);
      expect(mostInAMinute(source)).toBeLessThanOrEqual(10);
      source.answer = issuing(HOUR);
      await pass(5 * MINUTE + ASKING_MS);
      expect(innocent.view.status).toBe('success');
    },
  );
});
