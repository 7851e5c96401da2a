// What the inspector sees of the sessions on its page.
import { QueryClient } from '@tanstack/react-query';
import { afterEach, expect, test } from 'vitest';
import { SessionLog } from '../../src/devtools/sessionLog.ts';
import {
  anotherCopy,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  pass,
  showWidget,
  withFakeTime,
} from '../react/page.tsx';

withFakeTime();

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** An inspector that has just come to the page. */
function inspect(): SessionLog {
  const log = new SessionLog();
  stops.push(log.subscribe(() => undefined));
  return log;
}

/** For whom the sessions are, and what has happened to each. */
function seen(log: SessionLog): string[] {
  return log.getSessions().map(({ session, events }) => {
    const types = events.map(({ type }) => type);
    return `${session.store.settings.externalId}: ${types.join(', ')}`;
  });
}

test('the inspector sees a session from its first event on', async () => {
  const log = inspect();
  showWidget({ source: fakeSource() });
  await pass();
  expect(seen(log)).toEqual(['visitor: acquiring, acquired']);
  expect(log.getSessions()[0]?.state.held?.token.remainingMs()).toBe(HOUR);
});

test('an inspector that comes late sees the state of a session, and what happens from then on', async () => {
  showWidget({ source: fakeSource() });
  await pass();
  const log = inspect();
  expect(seen(log)).toEqual(['visitor: ']);
  await pass(HOUR - MINUTE);
  expect(seen(log)).toEqual(['visitor: acquiring, acquired']);
});

test('the inspector sees the sessions of every client and of every copy of the package', async () => {
  const log = inspect();
  showWidget({ externalId: 'own client', source: fakeSource() });
  const queryClient = new QueryClient();
  const page = showWidget({ externalId: 'host’s', source: fakeSource(), queryClient });
  showWidget({ externalId: 'copy', source: fakeSource() }, undefined, await anotherCopy());
  await pass();
  expect(seen(log)).toEqual([
    'own client: acquiring, acquired',
    'host’s: acquiring, acquired',
    'copy: acquiring, acquired',
  ]);
  // Or a host's client would keep its session for the next test.
  page.update({ externalId: null });
  await pass();
});

test('a session that is over leaves the inspector', async () => {
  const log = inspect();
  const page = showWidget({ source: fakeSource() });
  await pass();
  page.update({ externalId: 'another', source: fakeSource() });
  await pass();
  expect(seen(log)).toEqual(['another: acquiring, acquired']);
  page.unmount();
  await pass();
  expect(seen(log)).toEqual([]);
});

test('an inspector remembers the latest 200 events', async () => {
  const log = inspect();
  showWidget({ source: fakeSource(issuing(10 * MINUTE)) });
  await pass(48 * HOUR);
  expect(log.getSessions()[0]?.events).toHaveLength(200);
  expect(log.getSessions()[0]?.events.at(-1)?.atMs).toBeGreaterThan(Date.now() - 10 * MINUTE);
});

test('a listener is called once for all that happens in a turn', async () => {
  const log = new SessionLog();
  let calls = 0;
  stops.push(log.subscribe(() => calls++));
  await pass();
  calls = 0;
  showWidget({ source: fakeSource() });
  await Promise.resolve();
  expect(calls).toBe(1);
});

test('without a listener nothing is followed', async () => {
  const log = new SessionLog();
  log.subscribe(() => undefined)();
  showWidget({ source: fakeSource() });
  await pass();
  expect(log.getSessions()).toEqual([]);
});
