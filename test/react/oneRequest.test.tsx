import { act, render, screen } from '@testing-library/react';
import { StrictMode, Suspense, useEffect, useState } from 'react';
import { expect, test } from 'vitest';
import {
  GuestTokenProvider,
  useGuestFetch,
  useGuestToken,
  useSuspenseGuestToken,
} from '../../src/index.ts';
import {
  fakeSource,
  issuing,
  MINUTE,
  Probe,
  pass,
  reply,
  showWidget,
  withFakeTime,
} from './page.tsx';
import { fakeServer } from './server.ts';

withFakeTime();

test('twenty components share one token and one request', async () => {
  const source = fakeSource();
  const { Widget } = new Probe();
  render(
    <GuestTokenProvider externalId="visitor" source={source}>
      {Array.from({ length: 20 }, (_, n) => (
        <Widget key={String(n)} />
      ))}
    </GuestTokenProvider>,
  );
  await pass();
  expect(source.requests).toHaveLength(1);
  const texts = screen.getAllByTestId('widget').map((widget) => widget.textContent);
  expect(texts[0]).toMatch(/^success ey/);
  expect(new Set(texts).size).toBe(1);
});

test('a first request names the visitor, the channel and the attributes, with fresh: false', async () => {
  const source = fakeSource();
  showWidget({ source, channelId: 'support', attributes: { page: '/pricing' } });
  await pass();
  expect(source.requests).toEqual([
    { externalId: 'visitor', channelId: 'support', attributes: { page: '/pricing' }, fresh: false },
  ]);
});

test('StrictMode mounts twice and makes one request', async () => {
  const source = fakeSource(issuing(MINUTE * 60, 300));
  const { probe } = showWidget({ source }, StrictMode);
  await pass(1_000);
  expect(source.requests).toHaveLength(1);
  expect(source.signals[0]?.aborted).toBe(false);
  expect(probe.view.status).toBe('success');
});

test('two providers of one visitor share one request and one token', async () => {
  const source = fakeSource(issuing(MINUTE * 60, 300));
  const { Widget } = new Probe();
  render(
    <>
      <GuestTokenProvider externalId="visitor" source={source}>
        <Widget label="left" />
      </GuestTokenProvider>
      <GuestTokenProvider externalId="visitor" source={source}>
        <Widget label="right" />
      </GuestTokenProvider>
    </>,
  );
  await pass(1_000);
  expect(source.requests).toHaveLength(1);
  expect(screen.getByTestId('left').textContent).toMatch(/^success ey/);
  expect(screen.getByTestId('right').textContent).toBe(screen.getByTestId('left').textContent);
});

test('a second provider keeps its token when the first one unmounts', async () => {
  const source = fakeSource(issuing(10 * MINUTE));
  const { Widget } = new Probe();
  function Page({ both }: { both: boolean }) {
    return (
      <>
        {both && <GuestTokenProvider key="left" externalId="visitor" source={source} />}
        <GuestTokenProvider key="right" externalId="visitor" source={source}>
          <Widget />
        </GuestTokenProvider>
      </>
    );
  }
  const { rerender } = render(<Page both />);
  await pass();
  rerender(<Page both={false} />);
  await pass(9 * MINUTE - 1);
  expect(source.requests).toHaveLength(1);
  await pass(1);
  expect(source.requests).toHaveLength(2);
});

test('two visitors on one page have one token each', async () => {
  const source = fakeSource();
  const { Widget } = new Probe();
  render(
    <>
      <GuestTokenProvider externalId="ann" source={source}>
        <Widget label="ann" />
      </GuestTokenProvider>
      <GuestTokenProvider externalId="bob" source={source}>
        <Widget label="bob" />
      </GuestTokenProvider>
    </>,
  );
  await pass();
  expect(source.requests.map(({ externalId }) => externalId)).toEqual(['ann', 'bob']);
  expect(screen.getByTestId('ann').textContent).not.toBe(screen.getByTestId('bob').textContent);
});

test('a component that mounts 500 times during one request causes no second one', async () => {
  const source = fakeSource(issuing(MINUTE * 60, 5_000));
  const { Widget } = new Probe();
  function Page({ round }: { round: number }) {
    return (
      <GuestTokenProvider externalId="visitor" source={source}>
        <Widget key={round} />
      </GuestTokenProvider>
    );
  }
  const { rerender } = render(<Page round={0} />);
  for (let round = 1; round <= 500; round++) rerender(<Page round={round} />);
  await pass(5_000);
  expect(source.requests).toHaveLength(1);
  expect(screen.getByTestId('widget').textContent).toMatch(/^success ey/);
});

test('the hook, getToken and the guest fetch join the request under way', async () => {
  const source = fakeSource(issuing(MINUTE * 60, 300));
  const server = fakeServer();
  const { view, fetch } = showWidget({ source });
  const tokens = Promise.all([view.getToken(), view.getToken()]);
  fetch('/api/conversations');
  await pass(300);
  expect(new Set(await tokens).size).toBe(1);
  expect(server.calls).toMatchObject([{ token: (await tokens)[0] }]);
  expect(source.requests).toHaveLength(1);
});

test('a child that calls getToken in its first effect causes no second request', async () => {
  const source = fakeSource();
  const got: string[] = [];
  function Connect() {
    const { getToken } = useGuestToken();
    useEffect(() => {
      getToken().then(
        (token) => got.push(token),
        () => got.push('rejected'),
      );
    }, [getToken]);
    return null;
  }
  showWidget({ source, children: <Connect /> }, StrictMode);
  await pass();
  expect(source.requests).toHaveLength(1);
  expect(got).toEqual([got[0], got[0]]);
  expect(got[0]).toMatch(/^ey/);
});

test('a guest fetch call made before there is a token waits for the request under way', async () => {
  const source = fakeSource();
  const server = fakeServer();
  function Call() {
    const guestFetch = useGuestFetch();
    useEffect(() => {
      guestFetch('/api/conversations');
    }, [guestFetch]);
    return null;
  }
  showWidget({ source, children: <Call /> });
  await pass();
  expect(source.requests).toHaveLength(1);
  expect(server.calls).toMatchObject([{ token: expect.stringMatching(/^ey/) }]);
});

for (const [where, Tree] of [
  ['inside', Inside],
  ['above', Above],
] as const) {
  test(`a Suspense boundary ${where} the provider causes one request, in StrictMode too`, async () => {
    const source = fakeSource(issuing(MINUTE * 60, 300));
    render(<Tree source={source} />, { wrapper: StrictMode });
    expect(screen.getByText('connecting')).toBeInTheDocument();
    await pass(300);
    await pass();
    expect(screen.getByText(/^token ey/)).toBeInTheDocument();
    expect(source.requests).toHaveLength(1);
  });

  test(`a suspended component that remounts 500 times with its boundary ${where} the provider causes one request`, async () => {
    const source = fakeSource(issuing(MINUTE * 60, 5_000));
    const { rerender } = render(<Tree source={source} />);
    for (let round = 1; round <= 500; round++) rerender(<Tree source={source} round={round} />);
    await pass(5_000);
    await pass();
    expect(screen.getByText(/^token ey/)).toBeInTheDocument();
    expect(source.requests).toHaveLength(1);
  });
}

interface TreeProps {
  source: ReturnType<typeof fakeSource>;
  round?: number;
}

function Secret() {
  const { token } = useSuspenseGuestToken();
  return <p>token {token}</p>;
}

function Inside({ source, round = 0 }: TreeProps) {
  return (
    <GuestTokenProvider externalId="visitor" source={source}>
      <Suspense fallback="connecting">
        <Secret key={round} />
      </Suspense>
    </GuestTokenProvider>
  );
}

function Above({ source, round = 0 }: TreeProps) {
  return (
    <Suspense fallback="connecting">
      <GuestTokenProvider externalId="visitor" source={source}>
        <Secret key={round} />
      </GuestTokenProvider>
    </Suspense>
  );
}

test('a provider below a boundary that suspends for another reason makes one request', async () => {
  const source = fakeSource();
  let arrive: () => void = () => undefined;
  const chunk = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let here = false;
  chunk.then(() => {
    here = true;
  });
  function Lazy() {
    if (!here) throw chunk;
    return <p>here</p>;
  }
  render(
    <Suspense fallback="loading">
      <GuestTokenProvider externalId="visitor" source={source}>
        <Secret />
        <Lazy />
      </GuestTokenProvider>
    </Suspense>,
  );
  await pass(1_000);
  await act(async () => arrive());
  await pass();
  expect(screen.getByText('here')).toBeInTheDocument();
  expect(source.requests).toHaveLength(1);
});

test('an inline source function that is new at each render causes no request', async () => {
  let asked = 0;
  let renders = 0;
  const { Widget } = new Probe();
  let again: () => void = () => undefined;
  function App() {
    const [, set] = useState(0);
    again = () => set((n) => n + 1);
    renders++;
    return (
      <GuestTokenProvider
        externalId="visitor"
        attributes={{ renders }}
        source={async () => {
          asked++;
          return reply();
        }}
      >
        <Widget />
      </GuestTokenProvider>
    );
  }
  render(<App />);
  await pass();
  for (let n = 0; n < 5; n++) await act(async () => again());
  expect(renders).toBe(6);
  expect(asked).toBe(1);
});
