// @vitest-environment node
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { dehydrate, QueryClient } from '@tanstack/react-query';
import { type ReactNode, Suspense } from 'react';
import { renderToPipeableStream, renderToString } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import {
  GuestTokenProvider,
  type GuestTokenProviderProps,
  guestTokenQueryOptions,
  useGuestToken,
  useSuspenseGuestToken,
} from '../../src/index.ts';
import { fakeSource, SECOND, withFakeTime } from './page.tsx';

withFakeTime();

function Plain(): ReactNode {
  const { status, token, error } = useGuestToken();
  return <p>{`${status} ${token ?? 'none'} ${error?.code ?? 'well'}`}</p>;
}

function Secret(): ReactNode {
  return <p>{useSuspenseGuestToken().token}</p>;
}

function Page(props: Partial<GuestTokenProviderProps>): ReactNode {
  return (
    <GuestTokenProvider externalId="visitor" {...props}>
      <Plain />
      <Suspense fallback={<p>connecting</p>}>
        <Secret />
      </Suspense>
    </GuestTokenProvider>
  );
}

const modes = ['while-visible', 'always', 'on-demand'] as const;

test.for(modes)(
  'renderToString with keepFresh "%s" renders pending and the boundary’s fallback, without a request or timer',
  async (keepFresh) => {
    const source = fakeSource();
    const events: unknown[] = [];
    const html = renderToString(
      <Page
        source={source}
        keepFresh={keepFresh}
        storage="session"
        onEvent={(event) => events.push(event)}
      />,
    );
    expect(html).toContain('<p>pending none well</p>');
    expect(html).toContain('connecting');
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(source.requests).toHaveLength(0);
    expect(events).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  },
);

test('renderToString renders idle with externalId null', () => {
  const html = renderToString(
    <GuestTokenProvider externalId={null}>
      <Plain />
    </GuestTokenProvider>,
  );
  expect(html).toBe('<p>idle none well</p>');
});

test('a component that suspends does not hold up a server’s stream', async () => {
  vi.useRealTimers();
  const source = fakeSource();
  const errors: unknown[] = [];
  const out = new PassThrough();
  const stream = renderToPipeableStream(<Page source={source} />, {
    onAllReady: () => stream.pipe(out),
    onError: (error) => {
      errors.push(error);
    },
  });
  const html = await text(out);
  expect(html).toContain('pending');
  expect(html).toContain('connecting');
  expect(errors).toMatchObject([{ name: 'GuestTokenError' }]);
  expect(source.requests).toHaveLength(0);
});

test('a token in the server’s client is in neither the HTML nor the dehydrated state', async () => {
  const queryClient = new QueryClient();
  const source = fakeSource();
  const options = guestTokenQueryOptions({ externalId: 'visitor', source });
  const { value } = await queryClient.fetchQuery(options);
  expect(value).toMatch(/^ey/);
  const html = renderToString(<Page source={source} queryClient={queryClient} />);
  const state = JSON.stringify(dehydrate(queryClient));
  expect(state).toContain('guest-token');
  expect(html + state).not.toContain(value.split('.')[1]);
  expect(html).toContain('pending');
});

test('rendering for a thousand visitors leaves no timer', () => {
  const source = fakeSource();
  for (let n = 0; n < 1_000; n++) renderToString(<Page externalId={`${n}`} source={source} />);
  expect(vi.getTimerCount()).toBe(0);
  expect(source.requests).toHaveLength(0);
});
