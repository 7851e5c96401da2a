// Reading a token from a reply. For clocks see clock.test.tsx, for the secret secret.test.ts.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type GuestTokenReply,
  isGuestTokenError,
  type ReadGuestTokenOptions,
  readGuestToken,
} from '../../src/core/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { jwtOf } from './replies.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 8);
const NOW_S = NOW_MS / 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const CREATED = '2026-11-23T07:00:00.000Z'; // an hour ago

beforeEach(() => vi.useFakeTimers({ now: NOW_MS }));
afterEach(() => vi.useRealTimers());

function read(reply: unknown, options?: ReadGuestTokenOptions) {
  return readGuestToken(reply, options);
}

/** The code that reading a reply fails with. */
function failure(reply: unknown): unknown {
  try {
    read(reply);
  } catch (error) {
    return isGuestTokenError(error) ? error.code : error;
  }
  return 'no failure';
}

describe('the end of a token', () => {
  test('comes from expires_in, even if the JWT says otherwise', () => {
    const token = fakeGuestToken({ lifeSeconds: 9_999 });
    const { expiresAtMs, lifeMs, expirySource } = read({ id: 'a', token, expires_in: 600 });
    expect({ expiresAtMs, lifeMs, expirySource }).toEqual({
      expiresAtMs: NOW_MS + 600_000,
      lifeMs: 600_000,
      expirySource: 'expires_in',
    });
  });

  test('may come in fractions of a second', () => {
    expect(read({ id: 'a', token: 'opaque', expires_in: 0.5 }).lifeMs).toBe(500);
  });

  test.each([
    'a string',
    '600',
    null,
    undefined,
    true,
    [600],
    { seconds: 600 },
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e308,
  ])('is told by the JWT where expires_in is %j', (expires_in) => {
    const token = fakeGuestToken({ lifeSeconds: 1_800 });
    expect(read({ id: 'a', token, expires_in })).toMatchObject({
      expiresAtMs: NOW_MS + 1_800_000,
      expirySource: 'jwt',
    });
  });

  test.each([0, -1, -0.001])('has come where expires_in is %d', (expires_in) => {
    expect(failure({ id: 'a', token: fakeGuestToken(), expires_in })).toBe('no_progress');
  });

  test.each([
    '1700000000',
    'soon',
    null,
    true,
    [1_700_000_000],
    0,
    -1,
    '',
    // JSON has no other way to say Infinity
    '1e999 as a number',
  ])('is created_time and a day where exp is %j', (exp) => {
    const payload = exp === '1e999 as a number' ? '{"exp":1e999}' : JSON.stringify({ exp });
    expect(read({ id: 'a', token: jwtOf(payload), created_time: CREATED })).toMatchObject({
      lifeMs: DAY_MS - HOUR_MS,
      expiresAtMs: Date.parse(CREATED) + DAY_MS,
      expirySource: 'fallback',
    });
  });

  test('is told by a JWT whose payload needs the url-safe alphabet and holds any language', () => {
    const jwt = jwtOf(JSON.stringify({ name: '~~~ ??? Åsa 🙂 ÿÿÿ', exp: NOW_S + 900, iat: NOW_S }));
    expect(jwt).toMatch(/-.*_|_.*-/);
    expect(read({ id: 'a', token: jwt })).toMatchObject({ lifeMs: 900_000, expirySource: 'jwt' });
  });

  test.each([
    ['opaque', 'f5a0c3d2-opaque'],
    ['not a JWT, though it has dots', 'a.b.c'],
    ['a JWT without exp', jwtOf('{"sub":"visitor"}')],
    ['a JWT whose payload is no object', jwtOf('12')],
    ['a JWT whose payload is null', jwtOf('null')],
    ['a JWT whose payload is an array', jwtOf('[1700000000]')],
    ['a JWT whose payload is no JSON', jwtOf('{exp:')],
  ])('is created_time and a day for a token that is %s', (_what, token) => {
    expect(read({ id: 'a', token, created_time: CREATED })).toMatchObject({
      expiresAtMs: Date.parse(CREATED) + DAY_MS,
      expirySource: 'fallback',
    });
  });

  test('is created_time and fallbackTtlMs where that is given', () => {
    const token = read(
      { id: 'a', token: 'opaque', created_time: CREATED },
      { fallbackTtlMs: 2 * HOUR_MS },
    );
    expect(token.expiresAtMs).toBe(Date.parse(CREATED) + 2 * HOUR_MS);
  });

  test.each([
    undefined,
    null,
    '',
    'yesterday',
    'visitor 12', // V8's Date.parse would make December 2001 of it
    'room-7',
    Number.NaN,
    {},
  ])('is unknown_expiry for an opaque token with created_time %j', (created_time) => {
    expect(failure({ id: 'a', token: 'opaque', created_time })).toBe('unknown_expiry');
  });

  test('that is unknown gives an error that says what to answer', () => {
    expect(() => read({ id: 'a', token: 'opaque' })).toThrow(
      expect.objectContaining({
        code: 'unknown_expiry',
        retryable: false,
        hint: expect.stringMatching(/expires_in.*exp.*created_time/),
      }),
    );
  });

  test('is exp for a token whose iat is junk, as long as it lies ahead', () => {
    for (const iat of ['"x"', 'null', '0', '-5', '1e999', '[]']) {
      const token = jwtOf(`{"exp":${NOW_S + 900},"iat":${iat}}`);
      expect(read({ id: 'a', token }).expiresAtMs, iat).toBe(NOW_MS + 900_000);
    }
  });

  test('has come where exp is not after iat, or behind us with no iat to tell of a wrong clock', () => {
    const ended = NOW_S - 60;
    for (const payload of [
      { exp: NOW_S + 900, iat: NOW_S + 900 },
      { exp: NOW_S + 900, iat: NOW_S + 901 },
      { exp: ended },
      { exp: ended, iat: 'junk' },
      { exp: ended, iat: 0 },
    ]) {
      const token = jwtOf(JSON.stringify(payload));
      expect(failure({ id: 'a', token }), JSON.stringify(payload)).toBe('no_progress');
    }
  });

  test('is read without checking the signature', () => {
    const [header, payload] = fakeGuestToken({ lifeSeconds: 60 }).split('.');
    expect(read({ id: 'a', token: `${header}.${payload}.nonsense` }).lifeMs).toBe(60_000);
  });

  test('is read from a payload with non-ASCII letters', () => {
    const token = fakeGuestToken({ sub: 'Åsa 🙂', lifeSeconds: 60 });
    expect(read({ id: 'a', token }).lifeMs).toBe(60_000);
  });
});

describe('a reply', () => {
  const good: GuestTokenReply = { id: 'guest-1', token: 'opaque', expires_in: 600 };

  test('of Genesys, as it is, becomes a token', () => {
    const secret = fakeGuestToken({ sub: 'guest-1' });
    const token = read({
      id: 'guest-1',
      token: secret,
      created_time: CREATED,
      updated_time: CREATED,
      state: 'ACTIVE',
      external_id: 'customer-42',
      channel_id: 'webchat-default',
    });
    expect(token.value).toBe(secret);
    expect(token.visitorId).toBe('guest-1');
    expect(token.expirySource).toBe('jwt');
    expect(token.issuedAtMs).toBe(NOW_MS);
  });

  test.each([
    ['token', undefined],
    ['token', null],
    ['token', ''],
    ['token', '   '],
    ['token', 42],
    ['token', {}],
    ['token', ['opaque']],
    ['token', 'two words'],
    ['token', 'two\nlines'],
    ['token', 'split\r\nX-Evil: 1'],
    ['token', 'opaque\n'],
    ['token', '\topaque'],
    ['token', 'nul\0'],
    ['token', 'tökén'],
    ['id', undefined],
    ['id', null],
    ['id', ''],
    ['id', ' \n'],
    ['id', 42],
    ['id', {}],
  ])('is malformed where its %s is %j', (field, value) => {
    expect(failure({ ...good, [field]: value })).toBe('malformed_reply');
  });

  test.each([undefined, null, '', 'page', 7, true, [], ['a'], {}, () => undefined, Symbol('s')])(
    'is malformed where it is %o',
    (reply) => {
      expect(failure(reply)).toBe('malformed_reply');
    },
  );

  test('that is malformed is not retryable, and the error says what to answer', () => {
    expect(() => read({})).toThrow(
      expect.objectContaining({ retryable: false, hint: expect.stringMatching(/id and token/) }),
    );
  });

  test('with unknown fields is read like any other', () => {
    const strange = { ...good, __proto__: { token: 'other' }, toString: 'x', extra: [1, 2] };
    expect(read(strange).value).toBe('opaque');
  });
});
