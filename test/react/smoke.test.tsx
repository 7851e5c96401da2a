import { act, render, screen } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GuestTokenProvider, useGuestToken } from '../../src/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function Show() {
  const { status, token } = useGuestToken();
  return (
    <p>
      {status}:{token ? 'token' : 'none'}
    </p>
  );
}

test('a widget gets a token with one request and a new one before it expires', async () => {
  let n = 0;
  const source = vi.fn(async () => ({
    id: 'v1',
    token: fakeGuestToken({ jti: n++, lifeSeconds: 600 }),
    expires_in: 600,
  }));
  const { unmount } = render(
    <StrictMode>
      <GuestTokenProvider externalId="a" source={source}>
        <Show />
        <Show />
      </GuestTokenProvider>
    </StrictMode>,
  );
  expect(screen.getAllByText('pending:none')).toHaveLength(2);
  await act(() => vi.advanceTimersByTimeAsync(0));
  expect(source).toHaveBeenCalledTimes(1);
  expect(screen.getAllByText('success:token')).toHaveLength(2);
  await act(() => vi.advanceTimersByTimeAsync(539_999));
  expect(source).toHaveBeenCalledTimes(1);
  await act(() => vi.advanceTimersByTimeAsync(1));
  expect(source).toHaveBeenCalledTimes(2);
  unmount();
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
});
