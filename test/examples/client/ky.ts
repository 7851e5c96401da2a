// ky.ts
import ky, { type KyInstance } from 'ky';

/** @param guestFetch what `useGuestFetch()` gives */
export function conversationsApi(guestFetch: typeof fetch, baseUrl: string): KyInstance {
  // The guest fetch waits for a 429 and tries again by itself: ky should not do it once more, nor
  // end such a wait after its own 10 s.
  return ky.create({ baseUrl, fetch: guestFetch, retry: 0, timeout: false });
}
