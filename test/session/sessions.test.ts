// Which sessions a page keeps, and which it forgets.
import { QueryClient } from '@tanstack/react-query';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openSessions } from '../../src/devtools/openSessions.ts';
import { guestTokenQueryOptions } from '../../src/session/guestTokenQuery.ts';
import { fakeTokenSource } from '../../src/testing/index.ts';
import { withFakeClocks } from '../fakeClocks.ts';
import { allowConsole } from '../strays.ts';
import { openSession } from './openSession.ts';

const MINUTE = 60_000;

let client: QueryClient;
withFakeClocks();
beforeEach(() => {
  client = new QueryClient();
});

const source = fakeTokenSource();
const sessionOf = (externalId: string) => openSession({ externalId, source }, client);
const fetchFor = (externalId: string) =>
  client.fetchQuery(guestTokenQueryOptions({ externalId, source }));

/** What the page knows of a client's visitors; every copy of the package finds it here. */
function registered(): ReadonlyMap<string, unknown> | undefined {
  const globals: typeof globalThis & {
    [registry]?: WeakMap<object, ReadonlyMap<string, unknown>>;
  } = globalThis;
  return globals[registry]?.get(client);
}
const registry = Symbol.for('react-guest-token.sessions.1');

describe('on a server', () => {
  test('two requests of one visitor share no session, not even on one client', () => {
    vi.stubGlobal('window', undefined);
    expect(sessionOf('visitor')).not.toBe(sessionOf('visitor'));
  });
});

describe('on a page', () => {
  beforeEach(() => vi.stubGlobal('window', globalThis));

  test('a visitor has one session on a client', () => {
    expect(sessionOf('visitor')).toBe(sessionOf('visitor'));
  });

  test('a token that nobody shows is there when it is wanted, whoever has come meanwhile', async () => {
    const { value } = await fetchFor('first');
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    await fetchFor('second');
    const again = await fetchFor('first');
    expect(again.value).toBe(value);
  });

  test('the attributes of the latest query count', async () => {
    const attributes = (page: string) => ({ externalId: 'first', source, attributes: { page } });
    openSession(attributes('/'), client);
    await client.fetchQuery(guestTokenQueryOptions(attributes('/pricing')));
    expect(source.requests.at(-1)?.attributes).toEqual({ page: '/pricing' });
  });

  test('a token that a query brought stays with its client when the last provider goes', async () => {
    const { value } = await fetchFor('first');
    const end = sessionOf('first').watch(source, () => false);
    end();
    await vi.advanceTimersByTimeAsync(1);
    const again = await fetchFor('first');
    expect(again.value).toBe(value);
  });

  test('an acquisition goes on, whoever has come meanwhile', async () => {
    const slow = Object.assign(fakeTokenSource({ delayMs: 5_000 }), { key: 'slow' });
    const session = openSession({ externalId: 'first', source: slow }, client);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    const token = session.flight.getToken();
    sessionOf('second');
    await vi.advanceTimersByTimeAsync(5_000);
    await expect(token).resolves.toMatchObject({ visitorId: 'visitor-of-first' });
    expect(session.isDisposed).toBe(false);
  });

  test('a session that nobody has used for a while ends when another visitor comes', async () => {
    const session = sessionOf('first');
    await vi.advanceTimersByTimeAsync(MINUTE - 1);
    sessionOf('second');
    expect(session.isDisposed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(openSessions()).toContain(session);
    sessionOf('third');
    expect(session.isDisposed).toBe(true);
    expect(openSessions()).not.toContain(session);
  });

  test('once no pause is on, nothing remains of past visitors', async () => {
    allowConsole(/rejected/);
    const failing = Object.assign(fakeTokenSource(), { key: 'failing' });
    failing.fail('rejected');
    const options = guestTokenQueryOptions({ externalId: 'first', source: failing });
    await expect(client.fetchQuery(options)).rejects.toMatchObject({ code: 'rejected' });
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    sessionOf('second'); // ends the first session
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    sessionOf('third');
    expect([...(registered()?.keys() ?? [])]).toEqual([expect.stringContaining('"third"')]);
  });
});
