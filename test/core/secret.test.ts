// The secret of a token shows nowhere, whatever is done to the object that holds it.
import { format, formatWithOptions, inspect } from 'node:util';
import { dehydrate, hydrate, QueryClient } from '@tanstack/react-query';
import { beforeEach, expect, test } from 'vitest';
import { type GuestToken, readGuestToken } from '../../src/core/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

let secret: string;
let token: GuestToken;

beforeEach(() => {
  secret = fakeGuestToken({ sub: 'guest-1' });
  token = readGuestToken({ id: 'guest-1', token: secret, expires_in: 3_600 });
});

/** No part of the secret, be it only its signature. */
function expectNoSecretIn(text: string): void {
  for (const part of [secret, ...secret.split('.')]) expect(text).not.toContain(part);
}

test('.value is the only way to the secret', () => {
  expect(token.value).toBe(secret);
});

test('a token converted to a string is [redacted]', () => {
  expect(String(token)).toBe('[redacted]');
  expect(`${token}`).toBe('[redacted]');
  expect(token.toString()).toBe('[redacted]');
  expect(['Bearer', token].join(' ')).toBe('Bearer [redacted]');
  expect('Bearer '.concat(Reflect.apply(String, undefined, [token]))).toBe('Bearer [redacted]');
});

test('a token in JSON is [redacted] at any depth', () => {
  expect(JSON.stringify(token)).toBe('"[redacted]"');
  expect(JSON.stringify({ state: { list: [token] } })).toBe('{"state":{"list":["[redacted]"]}}');
});

test('a token in the console is [redacted]', () => {
  expect(inspect(token)).toContain('[redacted]');
  expect(format('%s', token)).toContain('[redacted]');
  expect(format('%j', token)).toBe('"[redacted]"');
  for (const line of [
    format(token),
    format('%s %o %O %j', token, token, token, token),
    format('%o', { token }),
    formatWithOptions({ colors: true }, '%O', [token]),
    inspect(token, { showHidden: true, depth: null, getters: true }),
    inspect(token, { customInspect: false, showHidden: true, depth: null, getters: false }),
    inspect(new Map([[token, token]]), { depth: null }),
    inspect(Object.assign(new Error('failed'), { token })),
  ]) {
    expectNoSecretIn(line);
  }
});

test('no property of a token, own or inherited, holds the secret', () => {
  const seen: unknown[] = [
    Object.entries(token),
    Object.values(token),
    { ...token },
    Object.assign({}, token),
    Object.getOwnPropertyDescriptors(token),
    Reflect.ownKeys(token).map((key) => Reflect.get(token, key)),
  ];
  for (const key in token) seen.push(Reflect.get(token, key));
  expectNoSecretIn(JSON.stringify(seen));
  expectNoSecretIn(inspect(seen, { depth: null, showHidden: true }));
});

test('a structured clone, as postMessage and IndexedDB make it, holds no secret', () => {
  expectNoSecretIn(inspect(structuredClone(token), { depth: null, showHidden: true }));
  expectNoSecretIn(JSON.stringify(structuredClone({ token })));
});

test('dehydrated React Query state, as it goes into HTML and persisters, holds no secret', () => {
  const client = new QueryClient();
  client.setQueryData(['guest-token'], token);
  const state = dehydrate(client);
  expectNoSecretIn(JSON.stringify(state));
  expectNoSecretIn(inspect(structuredClone(state), { depth: null, showHidden: true }));

  const browser = new QueryClient();
  hydrate(browser, JSON.parse(JSON.stringify(state)));
  expect(browser.getQueryData(['guest-token'])).toBe('[redacted]');
});
