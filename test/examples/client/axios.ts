// axios.ts
import axios, { type AxiosInstance } from 'axios';

/** @param guestFetch what `useGuestFetch()` gives */
export function conversationsApi(guestFetch: typeof fetch, baseURL: string): AxiosInstance {
  // Axios hands its fetch adapter a fetch of yours.
  return axios.create({ baseURL, adapter: 'fetch', env: { fetch: guestFetch } });
}
