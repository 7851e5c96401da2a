// @vitest-environment node
import { expect, test } from 'vitest';
import { createGuestFetch } from '../../src/core/index.ts';
import { fakeSession } from '../core/fakeSession.ts';
import { serve } from '../core/httpServer.ts';
import { conversationsApi } from './client/ky.ts';

test('ky sends its calls with the token, and a refused one once more with a new one', async () => {
  const seen: [string | undefined, string | undefined, string][] = [];
  const origin = await serve(({ method, headers }, response, body) => {
    seen.push([method, headers.authorization, body]);
    response.statusCode = headers.authorization === 'Bearer token-2' ? 200 : 401;
    response.end('{"id":"message-1"}');
  });
  const session = fakeSession();
  const guestFetch = createGuestFetch({ session: () => session, origins: [origin] });
  const api = conversationsApi(guestFetch, `${origin}/api/v2/`);

  const message = await api.post('conversations/1/messages', { json: { text: 'hello' } }).json();

  expect(message).toEqual({ id: 'message-1' });
  expect(seen).toEqual([
    ['POST', 'Bearer token-1', '{"text":"hello"}'],
    ['POST', 'Bearer token-2', '{"text":"hello"}'],
  ]);
  expect(session.acquisitions).toBe(2);
});

test('ky throws its own error for what the guest fetch hands over', async () => {
  const origin = await serve((_request, response) => {
    response.statusCode = 404;
    response.end();
  });
  const guestFetch = createGuestFetch({ session: () => fakeSession(), origins: [origin] });
  const call = conversationsApi(guestFetch, origin).get('nothing');
  await expect(call).rejects.toMatchObject({ name: 'HTTPError' });
});
