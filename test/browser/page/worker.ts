// A worker without React that makes the calls it is told to, with a token that is always the same.
import { createGuestFetch } from '../../../src/core/index.ts';

const guestFetch = createGuestFetch({
  session: () => ({ getToken: async () => 'of-the-worker', reject: () => false }),
});

addEventListener('message', async ({ data }: MessageEvent<[string, RequestInit]>) => {
  try {
    const response = await guestFetch(...data);
    postMessage([response.status, await response.text()]);
  } catch (error) {
    postMessage(String(error));
  }
});
