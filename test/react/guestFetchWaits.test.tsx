import { describe, expect, test } from 'vitest';
import {
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  pass,
  SECOND,
  showWidget,
  withFakeTime,
} from './page.tsx';
import { fakeServer, ok, pageWithToken, refuseAll, refusing } from './server.ts';

withFakeTime();

describe('a busy or broken server', () => {
  test('a call that gets a 429 waits for Retry-After and is resent', async () => {
    const { server, page } = await pageWithToken();
    server.answer = () => new Response(null, { status: 429, headers: { 'Retry-After': '7' } });
    const call = outcomeOf(page.fetch('/api', { method: 'POST', body: 'hello' }));
    await pass(7 * SECOND - 1);
    expect(server.calls).toHaveLength(1);
    server.answer = ok;
    await pass(1);
    expect(call.status).toBe(200);
    expect(server.calls).toMatchObject([{ body: 'hello' }, { body: 'hello' }]);
  });

  test('a GET that gets a 503 is resent; a POST is not', async () => {
    const { server, page } = await pageWithToken();
    server.answer = () => new Response(null, { status: 503 });
    const get = outcomeOf(page.fetch('/api'));
    const post = outcomeOf(page.fetch('/api', { method: 'POST', body: 'hello' }));
    await pass();
    server.answer = ok;
    await pass(3 * SECOND);
    expect(get.status).toBe(200);
    expect(post.status).toBe(503);
    expect(server.calls).toHaveLength(3);
  });
});

describe('a call that its caller aborts', () => {
  test('a call aborted while it waits for the first token is never sent', async () => {
    const server = fakeServer();
    const page = showWidget({ source: fakeSource(issuing(HOUR, 5 * SECOND)) });
    const caller = new AbortController();
    const call = page.fetch('/api', { signal: caller.signal }).catch((error: unknown) => error);
    await pass(SECOND);
    caller.abort();
    expect(await call).toMatchObject({ name: 'AbortError' });
    await pass(MINUTE);
    expect(server.calls).toHaveLength(0);
    expect(page.view.status).toBe('success'); // the token came for everybody else
  });

  test('a call aborted while its token is being replaced is not resent', async () => {
    const { source, server, page } = await pageWithToken();
    source.answer = issuing(HOUR, 5 * SECOND);
    server.answer = refuseAll;
    const caller = new AbortController();
    const call = page.fetch('/api', { signal: caller.signal }).catch((error: unknown) => error);
    await pass(SECOND);
    caller.abort();
    expect(await call).toMatchObject({ name: 'AbortError' });
    await pass(MINUTE);
    expect(server.calls).toHaveLength(1);
  });

  test('a call aborted during a Retry-After is not resent', async () => {
    const { server, page } = await pageWithToken();
    server.answer = () => new Response(null, { status: 429, headers: { 'Retry-After': '7' } });
    const caller = new AbortController();
    const call = page.fetch('/api', { signal: caller.signal }).catch((error: unknown) => error);
    await pass(SECOND);
    caller.abort();
    await pass();
    expect(await call).toMatchObject({ name: 'AbortError' });
    await pass(MINUTE);
    expect(server.calls).toHaveLength(1);
  });

  test('the signal of getToken ends only the wait of its own caller', async () => {
    const page = showWidget({ source: fakeSource(issuing(HOUR, 5 * SECOND)) });
    const caller = new AbortController();
    const given = page.view.getToken({ signal: caller.signal }).catch((error: unknown) => error);
    const other = outcomeOf(page.view.getToken());
    await pass(SECOND);
    caller.abort();
    expect(await given).toMatchObject({ name: 'AbortError' });
    await pass(5 * SECOND);
    expect(other.token).toBe(page.view.token);
  });
});

test('a body that can be read once arrives complete each time the call is sent', async () => {
  const { server, page, first } = await pageWithToken();
  server.answer = refusing(first);
  const { body } = new Response('one two');
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' };
  page.fetch('/api', init);
  await pass();
  await pass();
  expect(server.calls.length).toBeGreaterThan(0);
  for (const call of server.calls) expect(call.body).toBe('one two');
});
