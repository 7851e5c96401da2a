// The one error of the package: what it says, and what it never says.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  GuestTokenError,
  type GuestTokenErrorCode,
  isGuestTokenError,
  readGuestToken,
} from '../../src/core/index.ts';
import * as client from '../../src/index.ts';
import * as server from '../../src/server/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { jwtOf } from './replies.ts';

/** Every code, with whether the same request may succeed later without anybody changing anything. */
const codes: Record<GuestTokenErrorCode, boolean> = {
  unreachable: true,
  timed_out: true,
  rate_limited: true,
  unauthorized: false,
  forbidden: false,
  rejected: false,
  unavailable: true,
  malformed_reply: false,
  unknown_expiry: false,
  no_progress: false,
  expired: true,
  identity_mismatch: false,
  misconfigured: false,
  aborted: false,
};

/** A switch that compiles only for as long as it names every code. */
function inPlainWords(code: GuestTokenErrorCode): string {
  switch (code) {
    case 'unreachable':
    case 'timed_out':
    case 'unavailable':
      return 'Try again later.';
    case 'rate_limited':
      return 'Busy.';
    case 'unauthorized':
    case 'forbidden':
    case 'rejected':
    case 'malformed_reply':
    case 'unknown_expiry':
    case 'no_progress':
    case 'expired':
    case 'identity_mismatch':
    case 'misconfigured':
      return 'Call us.';
    case 'aborted':
      return '';
    default:
      return code satisfies never;
  }
}

describe.each(Object.entries(codes) as [GuestTokenErrorCode, boolean][])(
  'an error with code %s',
  (code, retryable) => {
    const error = new GuestTokenError(code, 'It failed.');

    test('is an Error with a name, a code and a stack', () => {
      expect(error).toBeInstanceOf(Error);
      expect(error.name).toBe('GuestTokenError');
      expect(error.code).toBe(code);
      expect(error.stack).toContain('errors.test.ts');
      expect(inPlainWords(error.code)).toBeTypeOf('string');
    });

    test('says what to do, in its hint and in its message', () => {
      expect(error.hint).toMatch(/^[A-Z].{10,}\.$/);
      expect(error.message).toBe(`It failed. ${error.hint}`);
    });

    test(retryable ? 'is worth another try' : 'is not worth another try', () => {
      expect(error.retryable).toBe(retryable);
    });

    test('has no status, retryAtMs, contextId or cause where none is known', () => {
      const { status, retryAtMs, contextId, cause } = error;
      expect([status, retryAtMs, contextId, cause]).toEqual(Array(4).fill(undefined));
      expect('cause' in error).toBe(false);
    });
  },
);

test('an error carries status, retryAtMs, contextId, cause and a hint of its own', () => {
  const details = {
    status: 503,
    retryAtMs: 1_700_000_000_000,
    contextId: '0f3e-42',
    cause: new Error('underneath'),
    hint: 'Restart the broker.',
  };
  const error = new GuestTokenError('unavailable', 'The source answered 503.', details);
  expect(error).toMatchObject(details);
  expect(error.message).toBe('The source answered 503. Restart the broker.');
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, '2026-11-23T08:00:00Z' as never])(
  'an error takes no retryAtMs of %s',
  (retryAtMs) => {
    expect(new GuestTokenError('rate_limited', 'Busy.', { retryAtMs }).retryAtMs).toBeUndefined();
  },
);

test('501 is not worth another try: the server will never be able to do it', () => {
  expect(new GuestTokenError('unavailable', 'No.', { status: 501 }).retryable).toBe(false);
  expect(new GuestTokenError('unavailable', 'No.', { status: 500 }).retryable).toBe(true);
});

test('the hints for 401 and 403 name the fix at Genesys', () => {
  expect(new GuestTokenError('unauthorized', 'No.').hint).toMatch(/client id and secret/);
  expect(new GuestTokenError('forbidden', 'No.').hint).toMatch(/role permission.*scope/);
});

describe('isGuestTokenError', () => {
  afterEach(() => vi.resetModules());

  test('recognises errors across two copies of the package, both ways', async () => {
    vi.resetModules();
    const copy = await import('../../src/core/index.ts');
    expect(copy.GuestTokenError).not.toBe(GuestTokenError);
    const theirs = new copy.GuestTokenError('expired', 'Over.');
    expect(theirs).not.toBeInstanceOf(GuestTokenError);
    expect(isGuestTokenError(theirs)).toBe(true);
    expect(copy.isGuestTokenError(new GuestTokenError('expired', 'Over.'))).toBe(true);
  });

  test('is the same in every entry', () => {
    for (const entry of [client, server]) {
      expect(entry.GuestTokenError).toBe(GuestTokenError);
      expect(entry.isGuestTokenError).toBe(isGuestTokenError);
    }
  });

  test.each([
    undefined,
    null,
    0,
    '',
    'GuestTokenError',
    new Error('x'),
    Object.assign(new Error('x'), { name: 'GuestTokenError', code: 'expired' }),
    { name: 'GuestTokenError', code: 'expired', hint: '', retryable: true },
    [],
    () => undefined,
    Symbol('GuestTokenError'),
  ])('is false for %o', (thing) => {
    expect(isGuestTokenError(thing)).toBe(false);
  });
});

describe('an error about a reply repeats nothing of it', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const secret = 'Zm9yYmlkZGVu-secret';
  const over = fakeGuestToken({ sub: secret, iat: 100, exp: 100 });
  test.each([
    ['without an id', { token: over, note: secret }],
    ['without a usable token', { id: secret, token: `${secret}\n${over}` }],
    ['with no known end', { id: secret, token: secret, created_time: secret }],
    ['with a token that is over', { id: secret, token: over }],
    ['with a token that is over by expires_in', { id: secret, token: over, expires_in: -1 }],
    ['with an unreadable payload', { id: secret, token: jwtOf(`{"${secret}`) }],
    ['that is text', `<html>${secret}`],
  ])('%s', (_what, reply) => {
    const thrown: unknown[] = [];
    try {
      readGuestToken(reply);
    } catch (error) {
      thrown.push(error);
    }
    expect(thrown.map(isGuestTokenError)).toEqual([true]);
    const said = inspect(thrown, { depth: null, showHidden: true });
    expect(said).not.toContain(secret);
    for (const part of over.split('.')) expect(said).not.toContain(part);
  });
});
