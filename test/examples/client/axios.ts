// axios.ts
import axios, { type AxiosInstance } from 'axios';

/** @param guestFetch the return value of `useGuestFetch()` */
export function conversationsApi(guestFetch: typeof fetch, baseURL: string): AxiosInstance {
  // The fetch adapter calls this fetch instead of the global one.
  return axios.create({ baseURL, adapter: 'fetch', env: { fetch: guestFetch } });
}
