// What the types tell of a token's state, and what they do not let through.
import type { QueryClient } from '@tanstack/react-query';
import { assertType, expectTypeOf, test } from 'vitest';
import type {
  GuestToken,
  GuestTokenError,
  GuestTokenErrorCode,
  GuestTokenView,
  SuspenseGuestTokenView,
} from '../../src/index.ts';
import {
  guestTokenQueryOptions,
  isGuestTokenError,
  type useGuestFetch,
  type useGuestToken,
  type useSuspenseGuestToken,
} from '../../src/index.ts';

declare const view: ReturnType<typeof useGuestToken>;

test('`success` has token, visitorId and expiresAtMs', () => {
  if (view.status !== 'success') return;
  expectTypeOf(view.token).toEqualTypeOf<string>();
  expectTypeOf(view.visitorId).toEqualTypeOf<string>();
  expectTypeOf(view.expiresAtMs).toEqualTypeOf<number>();
  // which may stand beside the failure of a refresh
  expectTypeOf(view.error).toEqualTypeOf<GuestTokenError | null>();
});

test('`error` has an error and no token', () => {
  if (view.status !== 'error') return;
  expectTypeOf(view.error).toEqualTypeOf<GuestTokenError>();
  expectTypeOf(view.token).toEqualTypeOf<undefined>();
  expectTypeOf(view.expiresAtMs).toEqualTypeOf<undefined>();
});

test('`idle` and `pending` have no token', () => {
  if (view.status !== 'idle' && view.status !== 'pending') return;
  expectTypeOf(view.token).toEqualTypeOf<undefined>();
  expectTypeOf(view.visitorId).toEqualTypeOf<undefined>();
  expectTypeOf(view.error).toEqualTypeOf<GuestTokenError | null>();
});

test('the token may be undefined before the status is narrowed', () => {
  expectTypeOf(view.token).toEqualTypeOf<string | undefined>();
  expectTypeOf(view.visitorId).toEqualTypeOf<string | undefined>();
  expectTypeOf(view.expiresAtMs).toEqualTypeOf<number | undefined>();
  expectTypeOf(view.retryAtMs).toEqualTypeOf<number | undefined>();
  expectTypeOf(view.isFetching).toEqualTypeOf<boolean>();
  expectTypeOf(view.getToken).returns.toEqualTypeOf<Promise<string>>();
  expectTypeOf(view.getToken)
    .parameter(0)
    .toEqualTypeOf<{ signal?: AbortSignal | undefined } | undefined>();
  expectTypeOf(view.refresh).toEqualTypeOf<() => Promise<string>>();
});

test('the status is one of four', () => {
  expectTypeOf(view.status).toEqualTypeOf<'idle' | 'pending' | 'success' | 'error'>();
  switch (view.status) {
    case 'idle':
    case 'pending':
    case 'success':
    case 'error':
      return;
    default:
      expectTypeOf(view).toEqualTypeOf<never>();
  }
});

test('the view is read-only', () => {
  // @ts-expect-error read-only
  view.token = 'other';
  // @ts-expect-error read-only
  view.status = 'error';
});

test('the Suspense hook’s token needs no narrowing', () => {
  expectTypeOf<ReturnType<typeof useSuspenseGuestToken>['token']>().toEqualTypeOf<string>();
  expectTypeOf<SuspenseGuestTokenView>().toExtend<GuestTokenView>();
});

test('the guest fetch is a fetch', () => {
  expectTypeOf<ReturnType<typeof useGuestFetch>>().toEqualTypeOf<typeof fetch>();
});

test('the query options make a query of a GuestToken', () => {
  const options = guestTokenQueryOptions({ externalId: 'customer-42' });
  const client = {} as QueryClient;
  expectTypeOf(client.getQueryData(options.queryKey)).toEqualTypeOf<GuestToken | undefined>();
  expectTypeOf(client.fetchQuery(options)).resolves.toEqualTypeOf<GuestToken>();
  expectTypeOf(client.ensureQueryData(options)).resolves.toEqualTypeOf<GuestToken>();
  client.setQueryData(options.queryKey, (token) => {
    expectTypeOf(token).toEqualTypeOf<GuestToken | undefined>();
    return token;
  });
  // @ts-expect-error a plain string is no token
  client.setQueryData(options.queryKey, 'eyJ');
  // @ts-expect-error nor is an object with its fields
  assertType<GuestToken>({ value: 'eyJ', visitorId: 'a', lifeMs: 1, bufferMs: 0 });
});

test('an error’s code is a closed union', () => {
  expectTypeOf<GuestTokenErrorCode>().toEqualTypeOf<
    | 'unreachable'
    | 'timed_out'
    | 'rate_limited'
    | 'unauthorized'
    | 'forbidden'
    | 'rejected'
    | 'unavailable'
    | 'malformed_reply'
    | 'unknown_expiry'
    | 'no_progress'
    | 'expired'
    | 'identity_mismatch'
    | 'misconfigured'
    | 'aborted'
  >();
  const error = {} as unknown;
  if (!isGuestTokenError(error)) return;
  expectTypeOf(error.code).toEqualTypeOf<GuestTokenErrorCode>();
  expectTypeOf(error.hint).toEqualTypeOf<string>();
  expectTypeOf(error.retryable).toEqualTypeOf<boolean>();
  expectTypeOf(error.status).toEqualTypeOf<number | undefined>();
  expectTypeOf(error.retryAtMs).toEqualTypeOf<number | undefined>();
  expectTypeOf(error.contextId).toEqualTypeOf<string | undefined>();
  // @ts-expect-error there is no such code
  assertType(error.code === 'unauthorised');
});
