import { describe, expect, test } from 'vitest';
import {
  fakeSource,
  HOUR,
  issuing,
  outcomeOf,
  pass,
  SECOND,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer, ok, pageWithToken, refuseAll, refusing } from './server.ts';

withFakeTime();

describe('where the token is sent', () => {
  test('the token is sent to the page’s own origin, relative URLs included', async () => {
    const { server, page, first } = await pageWithToken();
    page.fetch('/api/conversations');
    page.fetch(new URL('/api/messages', location.href));
    page.fetch(new Request(`${location.origin}/api/files`));
    await pass();
    expect(server.calls.map(({ url, token }) => [new URL(url).pathname, token])).toEqual([
      ['/api/conversations', first],
      ['/api/messages', first],
      ['/api/files', first],
    ]);
  });

  test('the token is sent to the provider’s `origins` as soon as they are set', async () => {
    const { server, page, first } = await pageWithToken();
    const url = 'https://api.mypurecloud.ie/api/v2/conversations';
    page.fetch(url);
    await pass();
    page.update({ origins: ['https://api.mypurecloud.ie'] });
    page.fetch(url);
    await pass();
    page.update({ origins: [] });
    page.fetch(url);
    await pass();
    expect(server.calls.map(({ token }) => token)).toEqual([undefined, first, undefined]);
  });

  test('a call to any other origin carries no token and acquires none', async () => {
    const server = fakeServer();
    const source = fakeSource();
    const page = showWidget({
      source,
      keepFresh: 'on-demand',
      origins: ['https://api.mypurecloud.ie'],
    });
    for (const url of [
      'https://evil.example/',
      'http://api.mypurecloud.ie/',
      'https://api.mypurecloud.ie:8443/',
      'https://api.mypurecloud.ie.evil.example/',
      'https://evil.example/https://api.mypurecloud.ie/',
    ]) {
      page.fetch(url);
    }
    await pass();
    expect(server.calls).toHaveLength(5);
    expect(server.calls.every(({ token }) => token === undefined)).toBe(true);
    expect(source.requests).toHaveLength(0);
  });
});

describe('a rejected token', () => {
  for (const code of [401, 403]) {
    test(`a token rejected with ${code} is replaced and the call is resent once with the new one`, async () => {
      const { source, server, page, first } = await pageWithToken();
      server.answer = ({ token }) =>
        token === first ? new Response(null, { status: code }) : ok();
      const call = outcomeOf(page.fetch('/api/messages', { method: 'POST', body: 'hello' }));
      await pass();
      expect(call.status).toBe(200);
      expect(server.calls).toMatchObject([
        { token: first, method: 'POST', body: 'hello' },
        { token: page.view.token, method: 'POST', body: 'hello' },
      ]);
      expect(page.view.token).not.toBe(first);
      expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
    });
  }

  for (const count of [10, 1_000]) {
    test(`${count} calls rejected together cause one acquisition and are each resent once`, async () => {
      const { source, server, page, first } = await pageWithToken();
      source.answer = issuing(HOUR, SECOND);
      server.answer = refusing(first);
      const calls = Array.from({ length: count }, () => outcomeOf(page.fetch('/api')));
      await pass(SECOND);
      await pass();
      expect(calls.every((call) => call.status === 200)).toBe(true);
      expect(server.calls).toHaveLength(2 * count);
      expect(source.requests).toHaveLength(2);
    });
  }

  test('a rejected token stays on screen until it is replaced; only getToken waits', async () => {
    const { source, server, page, first } = await pageWithToken();
    source.answer = issuing(HOUR, 3 * SECOND);
    server.answer = refusing(first);
    page.fetch('/api');
    await pass(SECOND);
    expect(page.view).toMatchObject({ status: 'success', token: first, isFetching: true });
    const got = outcomeOf(page.view.getToken());
    await pass(SECOND);
    expect(got).toEqual({});
    await pass(SECOND);
    expect(got.token).toBe(page.view.token);
    expect(got.token).not.toBe(first);
  });

  test('a late rejection of an older token resends the call without an acquisition', async () => {
    const { source, server, page, first } = await pageWithToken();
    server.answer = async (call) => {
      if (call.token === first) await new Promise((resolve) => setTimeout(resolve, 3_000));
      return refusing(first)(call);
    };
    const call = outcomeOf(page.fetch('/api'));
    await pass(SECOND);
    page.view.refresh();
    await pass();
    expect(source.requests).toHaveLength(2);
    await pass(2 * SECOND);
    expect(call.status).toBe(200);
    expect(server.calls.map(({ token }) => token)).toEqual([first, page.view.token]);
    expect(source.requests).toHaveLength(2);
  });

  test('a call whose token cannot be replaced resolves with the refusal, and the page keeps its token', async () => {
    const { source, server, page, first } = await pageWithToken();
    source.answer = status(400);
    server.answer = refuseAll;
    const call = outcomeOf(page.fetch('/api'));
    await pass();
    expect(call.status).toBe(403);
    expect(server.calls).toHaveLength(1);
    expect(page.view).toMatchObject({ status: 'success', token: first });
    expect(page.view.error?.code).toBe('rejected');
  });

  test('a rejected token that the source returns again is no_progress, not a loop', async () => {
    const { source, server, page } = await pageWithToken();
    const [again] = [{ id: 'guest-1', token: String(page.view.token), expires_in: 3_600 }];
    source.answer = () => again;
    server.answer = refuseAll;
    const call = outcomeOf(page.fetch('/api'));
    await pass();
    expect(call.status).toBe(403);
    expect(page.view.error?.code).toBe('no_progress');
    expect(source.requests).toHaveLength(2);
  });
});

describe('an endpoint that rejects the new token too', () => {
  test('an endpoint that rejects every token costs no further token when it is polled each second', async () => {
    const { source, server, page } = await pageWithToken();
    server.answer = refuseAll;
    const call = outcomeOf(page.fetch('/forbidden'));
    await pass();
    expect(call.status).toBe(403);
    expect(server.calls).toHaveLength(2);
    expect(source.requests).toHaveLength(2);
    const { token } = page.view;
    for (let second = 1; second < 30; second++) {
      const again = outcomeOf(page.fetch('/forbidden'));
      await pass(SECOND);
      expect(again.status).toBe(403);
    }
    expect(server.calls).toHaveLength(2 + 29);
    expect(source.requests).toHaveLength(2);
    expect(page.view).toMatchObject({ status: 'success', token, error: null });
  });

  test('other endpoints still accept the token that one endpoint rejects', async () => {
    const { server, page } = await pageWithToken();
    server.answer = ({ url }) => (url.includes('forbidden') ? refuseAll() : ok());
    page.fetch('/forbidden');
    await pass();
    const { token } = page.view;
    for (let n = 0; n < 5; n++) {
      page.fetch('/forbidden');
      const good = outcomeOf(page.fetch('/api'));
      await pass(SECOND);
      expect(good.status).toBe(200);
    }
    expect(page.view.token).toBe(token);
  });

  test('an endpoint that is polled each second for an hour and rejects every token costs few tokens', async () => {
    const { source, server, page } = await pageWithToken();
    server.answer = refuseAll;
    for (let second = 0; second < 3_600; second++) {
      page.fetch('/forbidden');
      await pass(SECOND);
    }
    expect(source.requests.length).toBeGreaterThan(2);
    expect(source.requests.length).toBeLessThan(20);
    expect(page.view.status).toBe('success');
  });
});

test('an endpoint that rejects every token starts with the shortest pause again after a calm hour', async () => {
  const { source, server, page } = await pageWithToken();
  server.answer = refuseAll;
  for (let second = 0; second < 600; second++) {
    page.fetch('/forbidden');
    await pass(SECOND);
  }
  await pass(HOUR);
  page.fetch('/forbidden');
  await pass(SECOND);
  const before = source.requests.length;
  await pass(40 * SECOND);
  page.fetch('/forbidden');
  await pass(SECOND);
  expect(source.requests).toHaveLength(before + 1);
});

test('a new token that was accepted and is rejected 5 s later is replaced again', async () => {
  const { source, server, page, first } = await pageWithToken();
  server.answer = refusing(first);
  expect(page.view.token).toBe(first);
  page.fetch('/api');
  await pass();
  const second = page.view.token;
  await pass(5 * SECOND);
  server.answer = refusing(first, second);
  const call = outcomeOf(page.fetch('/api'));
  await pass();
  expect(call.status).toBe(200);
  expect(server.calls.at(-1)?.token).toBe(page.view.token);
  expect([first, second]).not.toContain(page.view.token);
  expect(source.requests).toHaveLength(3);
});
