// What is made of the things that a source function throws.
import { describe, expect, test } from 'vitest';
import { toGuestTokenError } from '../../src/core/classify.ts';
import { GuestTokenError } from '../../src/core/index.ts';

describe('a network failure is unreachable, as told by', () => {
  test.each([
    ['Chromium', 'Failed to fetch'],
    ['Chromium, with the host', 'Failed to fetch (shop.example)'],
    ['Chromium, while it reads the body', 'network error'],
    ['Firefox', 'NetworkError when attempting to fetch resource.'],
    ['Firefox, while it reads the body', 'Error in body stream'],
    ['Safari', 'Load failed'],
    ['Safari, with the host', 'Load failed (shop.example)'],
    ['Safari 16', 'The Internet connection appears to be offline.'],
    ['Safari 16, when the connection breaks', 'The network connection was lost.'],
    ['Node', 'fetch failed'],
    ['Node, while it reads the body', 'terminated'],
    ['React Native', 'Network request failed'],
    ['Deno', 'error sending request for url (https://shop.example/token)'],
    ['Bun', ' A network error occurred.'],
    ['Cloudflare Workers', 'Network connection lost.'],
  ])('%s: %s', (_engine, message) => {
    const error = toGuestTokenError(new TypeError(message));
    expect(error).toMatchObject({ code: 'unreachable', retryable: true });
  });
});

describe('a bug in a source function is unavailable, with the thrown value as its cause', () => {
  test.each([
    new TypeError("Cannot read properties of undefined (reading 'fetch')"),
    new TypeError('response.fetch is not a function'),
    new TypeError('can\'t access property "network", user is null'),
    new TypeError("undefined is not an object (evaluating 'user.connection')"),
    new TypeError(''),
    new RangeError('Failed to fetch'),
    new Error('fetch failed'),
    'Failed to fetch',
    undefined,
    null,
  ])('%s', (thrown) => {
    const error = toGuestTokenError(thrown);
    expect(error.code).toBe('unavailable');
    expect(error.cause).toBe(thrown);
  });
});

test('an error of another frame is classified like one of this page', () => {
  const theirs = Object.assign(Object.create({ name: 'TypeError' }), { message: 'Load failed' });
  expect(toGuestTokenError(theirs).code).toBe('unreachable');
});

test('a hostile object is classified, too', () => {
  const message = {
    toString() {
      throw new Error('no text');
    },
  };
  expect(toGuestTokenError({ name: 'TypeError', message }).code).toBe('unavailable');
});

test('a GuestTokenError passes as it is', () => {
  const error = new GuestTokenError('expired', 'Over.');
  expect(toGuestTokenError(error)).toBe(error);
});
