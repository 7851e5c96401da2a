// Sources, replies, and what a server of your own plugs in.
import { assertType, expectTypeOf, test } from 'vitest';
import {
  createGuestFetch,
  endpointTokenSource,
  type GuestToken,
  type GuestTokenReply,
  type GuestTokenSource,
  type ReadGuestTokenOptions,
  readGuestToken,
  retryDelayMs,
  shouldRetry,
} from '../../src/core/index.ts';
import {
  anonymousVisitors,
  createGuestTokenBroker,
  type GuestTokenIssuer,
  webchatVisitors,
} from '../../src/server/index.ts';

test('Genesys’ reply is a GuestTokenReply as it stands', () => {
  assertType<GuestTokenReply>({
    id: '5f1e',
    token: 'eyJ',
    created_time: '2026-11-23T08:00:00.000Z',
    updated_time: '2026-11-23T08:00:00.000Z',
    state: 'ACTIVE',
    external_id: 'customer-42',
    channel_id: 'webchat-default',
  });
  assertType<GuestTokenReply>({ id: '5f1e', token: 'eyJ', expires_in: 86_400 });
  // @ts-expect-error the token is missing
  assertType<GuestTokenReply>({ id: '5f1e' });
  // @ts-expect-error seconds are a number
  assertType<GuestTokenReply>({ id: '5f1e', token: 'eyJ', expires_in: '86400' });
});

test('a source is a function with or without a key', () => {
  const plain: GuestTokenSource = async (
    { externalId, channelId, attributes, fresh },
    { signal },
  ) => {
    expectTypeOf(externalId).toEqualTypeOf<string>();
    expectTypeOf(channelId).toEqualTypeOf<string>();
    expectTypeOf(attributes).toEqualTypeOf<Readonly<Record<string, unknown>>>();
    expectTypeOf(fresh).toEqualTypeOf<boolean>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return { id: externalId, token: 'eyJ' };
  };
  assertType<GuestTokenSource>(Object.assign(plain, { key: 'mine' }));
  assertType<GuestTokenSource>(async () => ({ id: 'a', token: 'eyJ' }));
  assertType<GuestTokenSource>(endpointTokenSource('/token', { headers: () => ({ a: 'b' }) }));
  // @ts-expect-error a key is text
  assertType<GuestTokenSource>(Object.assign(async () => ({ id: 'a', token: 'b' }), { key: 42 }));
  // @ts-expect-error a reply has a token
  assertType<GuestTokenSource>(async () => ({ id: 'a' }));
  // @ts-expect-error a source is asked, it is no value
  assertType<GuestTokenSource>({ id: 'a', token: 'eyJ' });
});

test('readGuestToken accepts any value', () => {
  expectTypeOf(readGuestToken).parameter(0).toBeUnknown();
  expectTypeOf<ReadGuestTokenOptions>().not.toHaveProperty('clockErrorMs');
  expectTypeOf(readGuestToken).returns.toEqualTypeOf<GuestToken>();
});

test('the retry functions fit React Query', () => {
  assertType<(failureCount: number, error: Error) => boolean>(shouldRetry);
  assertType<(failureCount: number, error: Error) => number>(retryDelayMs);
});

test('createGuestFetch needs a session and returns a fetch', () => {
  const session = { getToken: async () => 'eyJ', reject: () => true };
  expectTypeOf(createGuestFetch({ session: () => session })).toEqualTypeOf<typeof fetch>();
  // @ts-expect-error the session is got anew for each call
  createGuestFetch({ session });
  // @ts-expect-error the session is missing
  createGuestFetch({ origins: [] });
});

test('a broker needs an issuer and `authorize`', () => {
  const issuer = webchatVisitors({ clientId: 'a', clientSecret: 'b' });
  const broker = createGuestTokenBroker({
    issuer,
    authorize: async (request) => {
      expectTypeOf(request).toEqualTypeOf<Request>();
      return request.headers.has('Cookie') ? { externalId: 'a', attributes: { vip: true } } : null;
    },
  });
  expectTypeOf(broker).parameters.toEqualTypeOf<[Request]>();
  expectTypeOf(broker).returns.toEqualTypeOf<Promise<Response>>();
  createGuestTokenBroker({
    issuer,
    authorize: anonymousVisitors({ cookieSecret: 'c'.repeat(32) }),
  });
  // @ts-expect-error the server must decide who the visitor is
  createGuestTokenBroker({ issuer });
  // @ts-expect-error a visitor has an id
  createGuestTokenBroker({ issuer, authorize: async () => ({ attributes: {} }) });
  // @ts-expect-error undefined is no decision
  createGuestTokenBroker({ issuer, authorize: async () => undefined });
  // @ts-expect-error nothing issues tokens
  createGuestTokenBroker({ authorize: async () => null });
});

test('an issuer has one function, or three', () => {
  assertType<GuestTokenIssuer>({
    issue: async ({ externalId }) => ({ id: externalId, token: 'eyJ', expires_in: 900 }),
  });
  assertType<GuestTokenIssuer>({
    issue: async ({ externalId, channelId, attributes }, { signal }) => {
      expectTypeOf(channelId).toEqualTypeOf<string>();
      expectTypeOf(attributes).toEqualTypeOf<Readonly<Record<string, unknown>>>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return { id: externalId, token: 'eyJ', refresh_token: 'kept on the server' };
    },
    refresh: async (previous) => ({ ...previous, token: 'next' }),
    revoke: async ({ token }) => void token,
  });
  // @ts-expect-error an issuer issues
  assertType<GuestTokenIssuer>({ refresh: async () => ({ id: 'a', token: 'eyJ' }) });
});
