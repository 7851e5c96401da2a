// What others offer for the same work. Plain JavaScript, since these packages are installed only when
// the benchmark runs; peers.d.ts says what it needs of them.
import { deleteApp, initializeApp } from '@firebase/app';
import { initializeAuth, inMemoryPersistence, signInWithCustomToken } from '@firebase/auth';
import axios from 'axios';
import { createAuthRefresh } from 'axios-auth-refresh';
import ky from 'ky';

export function axiosCall(send, token) {
  const instance = axios.create({
    adapter: 'fetch',
    env: { fetch: send, Request: globalThis.Request, Response: globalThis.Response },
  });
  createAuthRefresh(instance, async () => undefined);
  instance.interceptors.request.use((config) => {
    config.headers.Authorization = `Bearer ${token}`;
    return config;
  });
  return (url, body) => (body ? instance.post(url, body) : instance.get(url));
}

export function kyCall(send, token) {
  const instance = ky.create({
    fetch: send,
    hooks: {
      beforeRequest: [({ request }) => request.headers.set('Authorization', `Bearer ${token}`)],
    },
  });
  return (url, body) => (body ? instance.post(url, { body }) : instance.get(url));
}

/** `getIdToken` of a visitor who is signed in; Google's answers are played. */
export async function firebaseGetToken() {
  const part = (value) => btoa(JSON.stringify(value)).replace(/=/g, '');
  const nowSeconds = Math.floor(Date.now() / 1000);
  const idToken = `${part({ alg: 'none' })}.${part({ sub: 'ada', iat: nowSeconds, exp: nowSeconds + 3600 })}.x`;
  const real = globalThis.fetch;
  globalThis.fetch = async (url) =>
    Response.json(
      String(url).includes(':lookup')
        ? { users: [{ localId: 'ada' }] }
        : { idToken, refreshToken: 'refresh', expiresIn: '3600' },
    );
  const app = initializeApp({ apiKey: 'key' }, `bench-${Math.random()}`);
  try {
    const auth = initializeAuth(app, { persistence: inMemoryPersistence });
    const { user } = await signInWithCustomToken(auth, 'custom');
    return { getToken: () => user.getIdToken(), close: () => deleteApp(app) };
  } finally {
    globalThis.fetch = real;
  }
}
