// @vitest-environment node
import { expect, test } from 'vitest';
import { createGuestFetch } from '../../src/core/index.ts';
import { fakeSession } from '../core/fakeSession.ts';
import { serve } from '../core/httpServer.ts';
import { conversationsClient } from './client/openapiFetch.ts';

test('openapi-fetch sends its calls with the token, and a refused one once more with a new one', async () => {
  const seen: [string | undefined, string | undefined, string][] = [];
  const origin = await serve(({ url, headers }, response, body) => {
    seen.push([url, headers.authorization, body]);
    response.statusCode = headers.authorization === 'Bearer token-2' ? 200 : 401;
    response.setHeader('Content-Type', 'application/json');
    response.end('{"id":"message-1","text":"hello"}');
  });
  const session = fakeSession();
  const guestFetch = createGuestFetch({ session: () => session, origins: [origin] });
  const client = conversationsClient(guestFetch, origin);

  const { data, error } = await client.POST('/api/v2/conversations/{id}/messages', {
    params: { path: { id: 'c-1' } },
    body: { text: 'hello' },
  });

  expect(error).toBeUndefined();
  expect(data?.text).toBe('hello');
  expect(seen).toEqual([
    ['/api/v2/conversations/c-1/messages', 'Bearer token-1', '{"text":"hello"}'],
    ['/api/v2/conversations/c-1/messages', 'Bearer token-2', '{"text":"hello"}'],
  ]);
  expect(session.acquisitions).toBe(2);
});
