import { jwtDecode } from 'jwt-decode';
import { describe, expect, it, vi } from 'vitest';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

describe('fakeGuestToken', () => {
  it('is a well-formed JWT of one hour, from now', () => {
    vi.useFakeTimers({ now: 1_700_000_000_999 });
    const token = fakeGuestToken();
    vi.useRealTimers();
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{43}$/);
    expect(jwtDecode(token, { header: true })).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(jwtDecode(token)).toEqual({
      sub: 'visitor-sandbox',
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    });
  });

  it('takes claims of any kind, and a life in seconds', () => {
    expect(jwtDecode(fakeGuestToken({ sub: 'Åsa 🙂', iat: 100, lifeSeconds: 30, nbf: 1 }))).toEqual(
      {
        sub: 'Åsa 🙂',
        iat: 100,
        exp: 130,
        nbf: 1,
      },
    );
    expect(jwtDecode(fakeGuestToken({ iat: 100, exp: 7 }))).toMatchObject({ iat: 100, exp: 7 });
  });

  it('is the same for the same overrides', () => {
    expect(fakeGuestToken({ iat: 1 })).toBe(fakeGuestToken({ iat: 1 }));
    expect(fakeGuestToken({ iat: 1 })).not.toBe(fakeGuestToken({ iat: 2 }));
  });
});
