// ky.ts
import ky, { type KyInstance } from 'ky';

/** @param guestFetch the return value of `useGuestFetch()` */
export function conversationsApi(guestFetch: typeof fetch, baseUrl: string): KyInstance {
  // The guest fetch already waits and retries. ky must neither retry on top of that, nor end a wait
  // with its own timeout of 10 s.
  return ky.create({ baseUrl, fetch: guestFetch, retry: 0, timeout: false });
}
