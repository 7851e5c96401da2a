// Props that make sense compile, and those that do not go together don't.
import { QueryClient, useQuery } from '@tanstack/react-query';
import { expectTypeOf, test } from 'vitest';
import {
  endpointTokenSource,
  type GuestToken,
  GuestTokenError,
  type GuestTokenEvent,
  GuestTokenProvider,
  guestTokenQueryOptions,
} from '../../src/index.ts';
import { GuestTokenTestProvider } from '../../src/testing/index.ts';

test('the provider accepts the quick start’s props and every prop', () => {
  void (<GuestTokenProvider externalId="customer-42">chat</GuestTokenProvider>);
  void (<GuestTokenProvider externalId={null} />);
  void (
    <GuestTokenProvider
      externalId="customer-42"
      channelId="webchat-default"
      attributes={{ page: '/pricing', cart: { items: 3 } }}
      source="/api/guest-token"
      expiryBufferMs={60_000}
      fallbackTtlMs={86_400_000}
      retry={{ attempts: 3, minDelayMs: 2_000, maxDelayMs: 10_000, maxRetryAfterMs: 60_000 }}
      keepFresh="while-visible"
      shareAcrossTabs
      storage="session"
      origins={['https://api.mypurecloud.ie']}
      queryClient={new QueryClient()}
      onEvent={(event) => expectTypeOf(event).toEqualTypeOf<GuestTokenEvent>()}
    />
  );
  void (<GuestTokenProvider externalId="a" source={endpointTokenSource('/token')} />);
});

test('an undefined prop means its default', () => {
  void (
    <GuestTokenProvider
      externalId="a"
      channelId={undefined}
      attributes={undefined}
      source={undefined}
      expiryBufferMs={undefined}
      fallbackTtlMs={undefined}
      retry={{ attempts: undefined }}
      keepFresh={undefined}
      shareAcrossTabs={undefined}
      storage={undefined}
      origins={undefined}
      queryClient={undefined}
      onEvent={undefined}
    />
  );
});

test('externalId is required', () => {
  // @ts-expect-error externalId is missing
  void (<GuestTokenProvider />);
  // @ts-expect-error undefined is not "nobody": that would be a visitor who is still being loaded
  void (<GuestTokenProvider externalId={undefined} />);
  // @ts-expect-error a number is no id
  void (<GuestTokenProvider externalId={42} />);
});

test('unknown values do not compile', () => {
  // @ts-expect-error
  void (<GuestTokenProvider externalId="a" keepFresh="never" />);
  // @ts-expect-error
  void (<GuestTokenProvider externalId="a" storage="local" />);
  // @ts-expect-error
  void (<GuestTokenProvider externalId="a" retry={3} />);
  // @ts-expect-error
  void (<GuestTokenProvider externalId="a" retry={{ retries: 3 }} />);
  // @ts-expect-error
  void (<GuestTokenProvider externalId="a" origins="https://api.mypurecloud.ie" />);
  // @ts-expect-error
  void (<GuestTokenProvider externalId="a" expiryBuffer={60} />);
  // @ts-expect-error a source yields a reply, not the bare token
  void (<GuestTokenProvider externalId="a" source={async () => 'eyJ'} />);
});

test('the switch over events is exhaustive, and no event has a token', () => {
  void (
    <GuestTokenProvider
      externalId="a"
      onEvent={(event) => {
        expectTypeOf(event.atMs).toEqualTypeOf<number>();
        expectTypeOf(event.identity).toEqualTypeOf<string>();
        expectTypeOf(event).not.toHaveProperty('token');
        switch (event.type) {
          case 'retrying':
            return [event.attempt, event.delayMs, event.code];
          case 'failed':
            return [event.code, event.retryAtMs];
          case 'acquiring':
            return [event.attempt, event.fresh];
          case 'acquired':
            return [event.attempt, event.lifeMs, event.expiresAtMs];
          case 'expired':
          case 'fallback-expiry':
          case 'shared':
            return event.expiresAtMs;
          case 'clock-skew':
            return event.skewMs;
          case 'rejected':
          case 'signed-out':
          case 'storage-failed':
            return event.atMs;
          default:
            return event satisfies never;
        }
      }}
    />
  );
});

test('useQuery over the query options has a GuestToken or an error of ours', () => {
  function Expiry() {
    const { data, error } = useQuery(guestTokenQueryOptions({ externalId: 'customer-42' }));
    expectTypeOf(data).toEqualTypeOf<GuestToken | undefined>();
    expectTypeOf(error).toEqualTypeOf<GuestTokenError | null>();
    return data?.expiresAtMs;
  }
  void Expiry;
});

test('the test provider accepts possible states', () => {
  const error = new GuestTokenError('unavailable', 'It failed.');
  void (<GuestTokenTestProvider />);
  void (<GuestTokenTestProvider token="eyJ" visitorId="a" expiresAtMs={1} isFetching />);
  void (<GuestTokenTestProvider status="success" error={error} retryAtMs={1} />);
  void (<GuestTokenTestProvider status="pending" error={error} retryAtMs={1} isFetching />);
  void (<GuestTokenTestProvider status="idle" />);
  void (<GuestTokenTestProvider status="error" error={error} />);
});

test('the test provider does not accept impossible states', () => {
  // @ts-expect-error an error status needs an error
  void (<GuestTokenTestProvider status="error" />);
  // @ts-expect-error null is none
  void (<GuestTokenTestProvider status="error" error={null} />);
  // @ts-expect-error no token while pending
  void (<GuestTokenTestProvider status="pending" token="eyJ" />);
  // @ts-expect-error no token where nobody is
  void (<GuestTokenTestProvider status="idle" token="eyJ" />);
  // @ts-expect-error no end without a token
  void (<GuestTokenTestProvider status="pending" expiresAtMs={1} />);
  // @ts-expect-error no token after a failure
  void (<GuestTokenTestProvider status="error" error={new Error('x')} token="eyJ" />);
  // @ts-expect-error there is no such status
  void (<GuestTokenTestProvider status="loading" />);
});
