import { act, render, renderHook, screen } from '@testing-library/react';
import { Suspense } from 'react';
import { expect, test, vi } from 'vitest';
import {
  GuestTokenError,
  useGuestFetch,
  useGuestToken,
  useSuspenseGuestToken,
} from '../../src/index.ts';
import { GuestTokenTestProvider } from '../../src/testing/GuestTokenTestProvider.tsx';

test('a component under test has a valid token without any request', async () => {
  const { result } = renderHook(() => useGuestToken(), { wrapper: GuestTokenTestProvider });
  expect(result.current).toMatchObject({
    status: 'success',
    token: 'test-token',
    visitorId: 'test-visitor',
    error: null,
    isFetching: false,
  });
  await expect(result.current.getToken()).resolves.toBe('test-token');
});

test('a failure is shown, and getToken rejects with it', async () => {
  const error = new GuestTokenError('forbidden', 'No role.');
  const { result } = renderHook(() => useGuestToken(), {
    wrapper: ({ children }) => (
      <GuestTokenTestProvider status="error" error={error}>
        {children}
      </GuestTokenTestProvider>
    ),
  });
  expect(result.current.status).toBe('error');
  expect(result.current.token).toBeUndefined();
  await expect(result.current.getToken()).rejects.toBe(error);
});

test('a Suspense component shows its fallback while the state is pending, and renders in success', () => {
  function Visitor() {
    return <p>{useSuspenseGuestToken().visitorId}</p>;
  }
  const page = (status: 'pending' | 'success') => (
    <GuestTokenTestProvider status={status}>
      <Suspense fallback="wait">
        <Visitor />
      </Suspense>
    </GuestTokenTestProvider>
  );
  const { unmount } = render(page('pending'));
  expect(screen.getByText('wait')).toBeVisible();
  unmount();
  render(page('success'));
  expect(screen.getByText('test-visitor')).toBeVisible();
});

test('the guest fetch refuses until the test brings its own', async () => {
  const bare = renderHook(() => useGuestFetch(), { wrapper: GuestTokenTestProvider });
  await expect(bare.result.current('/x')).rejects.toMatchObject({ code: 'misconfigured' });
  const yours = vi.fn(async () => new Response('ok'));
  const { result } = renderHook(() => useGuestFetch(), {
    wrapper: ({ children }) => (
      <GuestTokenTestProvider fetch={yours}>{children}</GuestTokenTestProvider>
    ),
  });
  await act(() => result.current('/x'));
  expect(yours).toHaveBeenCalledTimes(1);
});
