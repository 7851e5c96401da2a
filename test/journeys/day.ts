import type { QueryClient } from '@tanstack/react-query';
import fc from 'fast-check';
import { createElement, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { expect, vi } from 'vitest';
import {
  GuestTokenProvider,
  type GuestTokenView,
  type KeepFresh,
  useGuestToken,
} from '../../src/index.ts';
import { type Health, type Network, World, type WorldOptions } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'sleep'; readonly ms: number; readonly event: boolean }
  | { readonly do: 'clock'; readonly aheadMs: number }
  | { readonly do: 'visible'; readonly is: boolean }
  | { readonly do: 'network'; readonly is: Network }
  | { readonly do: 'source'; readonly is: Health }
  | { readonly do: 'getToken' }
  | { readonly do: 'refresh' };

export interface Day extends WorldOptions {
  readonly keepFresh: KeepFresh;
  readonly steps: readonly Step[];
}

const clockErrorMs = fc.constantFrom(
  0,
  0,
  3_000,
  2 * MINUTE,
  -2 * MINUTE,
  2 * HOUR,
  -2 * HOUR,
  2 * DAY,
  -2 * DAY,
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(SECOND, 20 * SECOND, 3 * MINUTE, 20 * MINUTE, HOUR),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('sleep' as const),
      ms: fc.constantFrom(MINUTE, 30 * MINUTE, 2 * HOUR),
      event: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clock' as const), aheadMs: clockErrorMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('visible' as const), is: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('network' as const),
      is: fc.constantFrom<Network>('up', 'up', 'slow', 'down', 'offline'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('source' as const),
      is: fc.constantFrom<Health>(
        'healthy',
        'healthy',
        'healthy',
        '429',
        '429 long',
        '401',
        '403',
        '503',
        'dead',
        'repeats',
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('getToken' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refresh' as const) }) },
);

export const days: fc.Arbitrary<Day> = fc.record({
  lifeSeconds: fc.constantFrom(30, 60, 300, 900, 3_600, 86_400, 30 * 86_400),
  expiresIn: fc.boolean(),
  chance: fc.nat(),
  clockErrorMs,
  keepFresh: fc.constantFrom<KeepFresh>('while-visible', 'while-visible', 'always', 'on-demand'),
  steps: fc.array(step, { minLength: 20, maxLength: 60 }),
});

export interface DayReport {
  readonly lives: number;
  readonly requests: number;
  readonly failures: number;
  readonly expiredServed: number;
  /** Ms: the longest stretch without a token while the world was well and the page wanted one. */
  readonly longestWithoutMs: number;
  readonly leakedTimers: number;
}

/** Once the world is well again: a cool-down of 5 min with its jitter, a slow request, a heartbeat. */
const RECOVERY_MS = 5 * MINUTE * 1.25 + 10 * SECOND + 30 * SECOND;

/** Ms before the end at which a token is replaced. */
const BUFFER_MS = 5 * SECOND;

/** The heartbeat that ends a sleep without any event. */
const HEARTBEAT_MS = 30 * SECOND;

/** A component beside the widget, on the same client. */
export interface Companion {
  readonly queryClient: QueryClient;
  readonly Component: () => ReactNode;
  /** Called after every step with what the widget has in hand. */
  check(view: GuestTokenView): void;
}

/** React Query tells its observers in a task of its own. */
const NOTIFY_MS = 2;

/** Lives a day and checks after every step of it what the package promises. */
export async function live(day: Day, companion?: Companion): Promise<DayReport> {
  const world = new World(day);
  const screen = document.createElement('div');
  const root: Root = createRoot(screen);
  let view: GuestTokenView | undefined;
  let awakeForMs = 0;
  let visible = true;
  let wellForMs = 0;
  let withoutForMs = 0;
  let longestWithoutMs = 0;
  let expiredServed = 0;
  /** Steps that may cost a life or shorten one: a refresh, a clock that was set, a sleep. */
  let mishaps = 0;
  const beganAtMs = world.trueMs;
  const listeners = countListeners();

  function Widget(): ReactNode {
    const current = useGuestToken();
    view = current;
    return current.token ?? current.status;
  }

  const isWanted = (): boolean =>
    day.keepFresh === 'always' || (day.keepFresh === 'while-visible' && visible);

  function check(): void {
    const shown = screen.textContent ?? '';
    // A sleep that no event tells of is noticed at the first heartbeat.
    if (shown.includes('.') && awakeForMs >= HEARTBEAT_MS && world.isOver(shown)) expiredServed++;
    expect(expiredServed, 'expired tokens on screen').toBe(0);
    expect(world.mostInAMinute, 'requests in a minute').toBeLessThanOrEqual(10);
    const lifeMs = day.lifeSeconds * SECOND;
    const usedMs = lifeMs - Math.min(BUFFER_MS, lifeMs / 5);
    const livesAllowed = 2 + 2 * mishaps + (world.trueMs - beganAtMs) / (usedMs - SECOND);
    expect(world.acquisitions, 'lives').toBeLessThanOrEqual(livesAllowed);
    if (wellForMs > RECOVERY_MS) {
      expect(shown, 'shown after the world was well for long enough').toContain('.');
    }
  }

  async function checkCompanion(): Promise<void> {
    if (!companion || !view) return;
    await world.pass(NOTIFY_MS);
    // the end of a token is noticed at the first heartbeat after a sleep
    if (awakeForMs >= HEARTBEAT_MS) companion.check(view);
  }

  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= HEARTBEAT_MS) {
      const part = Math.min(left, HEARTBEAT_MS);
      await world.pass(part);
      awakeForMs += part;
      const well = world.isWell && isWanted();
      wellForMs = well ? wellForMs + part : 0;
      withoutForMs = well && !screen.textContent?.includes('.') ? withoutForMs + part : 0;
      longestWithoutMs = Math.max(longestWithoutMs, withoutForMs);
      check();
      await checkCompanion();
    }
  }

  async function take(ask: () => Promise<string>): Promise<void> {
    let token: string | undefined;
    const asked = ask().then(
      (value) => {
        token = value;
        if (world.isOver(value)) expiredServed++;
      },
      () => undefined,
    );
    await world.settle();
    if (token === undefined) await pass(11 * SECOND);
    void asked;
  }

  root.render(
    createElement(
      GuestTokenProvider,
      {
        externalId: 'visitor',
        source: world.source,
        keepFresh: day.keepFresh,
        expiryBufferMs: BUFFER_MS,
        queryClient: companion?.queryClient,
      },
      createElement(Widget),
      companion && createElement(companion.Component),
    ),
  );
  while (screen.textContent === '') await nextTask();
  await nextTask(); // the effects
  await pass(SECOND);
  for (const step of day.steps) {
    if (step.do !== 'pass') wellForMs = 0;
    if (step.do === 'refresh' || step.do === 'clock' || step.do === 'sleep') mishaps++;
    switch (step.do) {
      case 'pass':
        await pass(step.ms);
        break;
      case 'sleep':
        world.sleep(step.ms);
        awakeForMs = 0;
        if (step.event) document.dispatchEvent(new Event('resume'));
        break;
      case 'clock':
        // Nobody sets a clock while the machine sleeps. With no look at the clocks between the two,
        // nothing would be left to tell the length of the sleep by.
        await pass(HEARTBEAT_MS);
        world.setClock(step.aheadMs);
        await pass(HEARTBEAT_MS);
        break;
      case 'visible':
        visible = step.is;
        world.setVisible(step.is);
        break;
      case 'network':
        world.setNetwork(step.is);
        break;
      case 'source':
        world.health = step.is;
        break;
      case 'getToken':
        await take(() => view?.getToken() ?? Promise.reject(new Error('not rendered')));
        break;
      case 'refresh':
        await take(() => view?.refresh() ?? Promise.reject(new Error('not rendered')));
        break;
    }
    await world.settle();
    check();
    await checkCompanion();
  }
  root.unmount();
  await nextTask();
  await world.settle();
  if (companion) await world.pass(NOTIFY_MS);
  const leakedTimers = vi.getTimerCount();
  // a token that stays with a host's client has a timer that ends with it
  expect(leakedTimers, 'timers after unmount').toBeLessThanOrEqual(companion ? 1 : 0);
  expect(listeners.left(), 'listeners after unmount').toEqual([]);
  listeners.stop();
  const { acquisitions: lives, requests, failures } = world;
  return { lives, requests, failures, expiredServed, longestWithoutMs, leakedTimers };
}

/** React's own scheduler runs in real tasks. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function countListeners(): { left(): string[]; stop(): void } {
  const counts = new Map<string, number>();
  const add = (type: string, by: number): unknown => counts.set(type, (counts.get(type) ?? 0) + by);
  const spies = [window, document].flatMap((target) => {
    const { addEventListener, removeEventListener } = target;
    return [
      vi
        .spyOn(target, 'addEventListener')
        .mockImplementation((...args: Parameters<typeof addEventListener>) => {
          add(args[0], 1);
          addEventListener.apply(target, args);
        }),
      vi
        .spyOn(target, 'removeEventListener')
        .mockImplementation((...args: Parameters<typeof removeEventListener>) => {
          add(args[0], -1);
          removeEventListener.apply(target, args);
        }),
    ];
  });
  return {
    left: () => [...counts].filter(([, count]) => count > 0).map(([type]) => type),
    stop: () => {
      for (const spy of spies) spy.mockRestore();
    },
  };
}
