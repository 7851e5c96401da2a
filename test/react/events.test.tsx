import { inspect } from 'node:util';
import { render } from '@testing-library/react';
import { useState } from 'react';
import { describe, expect, test, vi } from 'vitest';
import { type GuestTokenEvent, GuestTokenProvider } from '../../src/index.ts';
import { allowConsole } from '../strays.ts';
import {
  DAY,
  down,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  pass,
  reply,
  SECOND,
  showWidget,
  sleepMachine,
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer, refusing } from './server.ts';

withFakeTime();

const types = (events: readonly GuestTokenEvent[]): string[] => events.map(({ type }) => type);

test('a first token emits acquiring and acquired with attempt, lifetime and expiry', async () => {
  const startedAtMs = Date.now();
  const { events } = showWidget({ source: fakeSource(issuing(HOUR, SECOND)) });
  await pass(SECOND);
  expect(events).toMatchObject([
    { type: 'acquiring', attempt: 1, fresh: false, atMs: startedAtMs },
    {
      type: 'acquired',
      attempt: 1,
      lifeMs: HOUR,
      expiresAtMs: startedAtMs + HOUR,
      atMs: startedAtMs + SECOND,
    },
  ]);
});

test('a renewal emits acquiring with fresh: true', async () => {
  const { events } = showWidget({ source: fakeSource(issuing(HOUR)) });
  await pass(59 * MINUTE);
  expect(types(events)).toEqual(['acquiring', 'acquired', 'acquiring', 'acquired']);
  expect(events[2]).toMatchObject({ fresh: true });
});

test('a failed acquisition emits each attempt, each wait with its code, and the time of the next attempt', async () => {
  const { events } = showWidget({ source: fakeSource(status(503)) });
  await pass(4 * SECOND);
  expect(events).toMatchObject([
    { type: 'acquiring', attempt: 1 },
    { type: 'retrying', attempt: 1, delayMs: 2_000, code: 'unavailable' },
    { type: 'acquiring', attempt: 2 },
    { type: 'retrying', attempt: 2, delayMs: 2_000, code: 'unavailable' },
    { type: 'acquiring', attempt: 3 },
    { type: 'failed', code: 'unavailable', retryAtMs: Date.now() + 30 * SECOND },
  ]);
});

test('an acquisition that recovers emits the number of the successful attempt', async () => {
  const source = fakeSource(down);
  const { events } = showWidget({ source });
  await pass();
  source.answer = issuing();
  await pass(2 * SECOND);
  expect(types(events)).toEqual(['acquiring', 'retrying', 'acquiring', 'acquired']);
  expect(events.at(-1)).toMatchObject({ attempt: 2 });
});

test('a token that expires before it could be renewed emits expired once', async () => {
  const startedAtMs = Date.now();
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source });
  await pass();
  source.answer = down;
  await pass(2 * HOUR);
  expect(page.events.filter(({ type }) => type === 'expired')).toMatchObject([
    { expiresAtMs: startedAtMs + HOUR },
  ]);
});

test('a token that expires during sleep emits expired once', async () => {
  const { events } = showWidget({ source: fakeSource(issuing(HOUR)) });
  await pass();
  sleepMachine(2 * HOUR);
  await pass(MINUTE);
  expect(types(events)).toEqual(['acquiring', 'acquired', 'expired', 'acquiring', 'acquired']);
});

test('a token that a server rejects emits rejected and then the events of its replacement', async () => {
  const page = showWidget({ source: fakeSource() });
  await pass();
  fakeServer(refusing(page.view.token));
  page.fetch('/api/conversations');
  await pass();
  expect(types(page.events)).toEqual([
    'acquiring',
    'acquired',
    'rejected',
    'acquiring',
    'acquired',
  ]);
  expect(page.events[3]).toMatchObject({ fresh: true });
});

test('a visitor who signs out emits signed-out', async () => {
  const page = showWidget({ source: fakeSource() });
  await pass();
  page.update({ externalId: null });
  await pass();
  expect(types(page.events)).toEqual(['acquiring', 'acquired', 'signed-out']);
});

test('clock-skew and fallback-expiry are emitted before acquired', async () => {
  const wrong = showWidget({
    source: fakeSource(() => ({
      id: 'guest-1',
      token: 'opaque',
      created_time: new Date(Date.now() - 30 * DAY).toISOString(),
    })),
  });
  await pass();
  expect(types(wrong.events)).toEqual(['acquiring', 'clock-skew', 'fallback-expiry', 'acquired']);
  expect(wrong.events[1]).toMatchObject({ skewMs: 30 * DAY });
});

describe('an event', () => {
  test('events distinguish visitors without naming them', async () => {
    const source = fakeSource();
    const page = showWidget({ source, externalId: 'ann@example.com' });
    await pass();
    page.update({ externalId: 'bob@example.com' });
    await pass();
    const identities = new Set(page.events.map(({ identity }) => identity));
    expect(identities.size).toBe(2);
    expect(JSON.stringify(page.events)).not.toMatch(/example/);
    for (const identity of identities) expect(identity).toMatch(/^\w{4,}$/);
  });

  test('no event, console line or error ever contains a token', async () => {
    const lines: unknown[][] = [];
    for (const method of ['log', 'info', 'debug', 'warn', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((...line) => void lines.push(line));
    }
    const tokens: string[] = [];
    const errors: unknown[] = [];
    const source = fakeSource(() => {
      const next = reply(10 * MINUTE);
      tokens.push(next.token);
      return next;
    });
    const page = showWidget({ source, storage: 'session' });
    await pass(9 * MINUTE);
    fakeServer(refusing(page.view.token));
    page.fetch('/api/conversations');
    await pass();
    const dead = reply(10 * MINUTE);
    tokens.push(dead.token);
    for (const answer of [
      () => dead,
      () => ({ ...dead, expires_in: 0 }),
      () => ({ ...dead, id: '' }),
      () => {
        throw Object.assign(new Error('refused'), { status: 401 });
      },
    ]) {
      source.answer = answer;
      page.view.refresh().catch((error: unknown) => errors.push(error));
      await pass(MINUTE);
      errors.push(page.view.error);
    }
    await pass(HOUR);
    const told = inspect([page.events, lines, errors], { depth: 9, showHidden: true });
    expect(page.events.length).toBeGreaterThan(10);
    expect(tokens.length).toBeGreaterThan(3);
    for (const token of tokens) {
      expect(told).not.toContain(token);
      expect(JSON.stringify(page.events)).not.toContain(token.split('.')[1]);
    }
  });
});

describe('onEvent', () => {
  test('onEvent may set React state', async () => {
    const source = fakeSource(down);
    function App() {
      const [events, setEvents] = useState<string[]>([]);
      return (
        <>
          <output>{events.join(' ')}</output>
          <GuestTokenProvider
            externalId="visitor"
            source={source}
            onEvent={({ type }) => setEvents((before) => [...before, type])}
          />
        </>
      );
    }
    const { container } = render(<App />);
    await pass();
    source.answer = issuing();
    await pass(2 * SECOND);
    expect(container.textContent).toBe('acquiring retrying acquiring acquired');
  });

  test('the latest onEvent receives the events', async () => {
    const later: GuestTokenEvent[] = [];
    const page = showWidget({ source: fakeSource(issuing(HOUR)) });
    await pass();
    const before = page.events.length;
    page.update({ onEvent: (event) => later.push(event) });
    await pass(59 * MINUTE);
    expect(page.events).toHaveLength(before);
    expect(types(later)).toEqual(['acquiring', 'acquired']);
  });

  test('an onEvent that throws does not affect the token', async () => {
    allowConsole(/./);
    const swallow = (event: ErrorEvent): void => event.preventDefault();
    window.addEventListener('error', swallow);
    const page = showWidget({
      source: fakeSource(),
      onEvent: () => {
        throw new Error('a mistake of the page');
      },
    });
    const got = outcomeOf(page.view.getToken());
    await pass();
    window.removeEventListener('error', swallow);
    expect(page.view.status).toBe('success');
    expect(got.token).toBe(page.view.token);
  });
});
