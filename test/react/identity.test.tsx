import { act, render, screen } from '@testing-library/react';
import { Suspense, startTransition } from 'react';
import { describe, expect, test } from 'vitest';
import { GuestTokenProvider, useGuestToken, useSuspenseGuestToken } from '../../src/index.ts';
import {
  claims,
  fakeSource,
  issuing,
  MINUTE,
  never,
  outcomeOf,
  Probe,
  pass,
  reply,
  SECOND,
  showWidget,
  withFakeTime,
} from './page.tsx';
import { fakeServer, refusing } from './server.ts';

withFakeTime();

/** Whose tokens were rendered. */
function subjects(tokens: readonly (string | undefined)[]): Set<string | undefined> {
  return new Set(tokens.map((token) => token && claims(token).sub));
}

describe('a switch from Ann to Bob during Ann’s request', () => {
  const slow = issuing(60 * MINUTE, 3 * SECOND);

  test('Ann’s late reply reaches nobody after a switch to Bob, who gets his own token', async () => {
    const source = fakeSource(({ externalId }) =>
      externalId === 'ann'
        ? new Promise((resolve) => setTimeout(() => resolve(reply(60 * MINUTE, 'ann')), 3_000))
        : reply(60 * MINUTE, externalId),
    );
    const page = showWidget({ source, externalId: 'ann' });
    await pass(SECOND);
    page.update({ externalId: 'bob' });
    await pass();
    const token = page.view.token;
    expect(claims(token).sub).toBe('bob');
    await pass(10 * SECOND);
    expect(page.view.token).toBe(token);
    expect(subjects(page.probe.tokens)).toEqual(new Set([undefined, 'bob']));
    expect(source.requests.map(({ externalId }) => externalId)).toEqual(['ann', 'bob']);
  });

  test('a switch to Bob aborts Ann’s request', async () => {
    const source = fakeSource(slow);
    const page = showWidget({ source, externalId: 'ann' });
    await pass(SECOND);
    page.update({ externalId: 'bob' });
    await pass();
    expect(source.signals.map((signal) => signal.aborted)).toEqual([true, false]);
  });

  test('every caller who waits for Ann’s token rejects with aborted on a switch to Bob', async () => {
    const server = fakeServer();
    const page = showWidget({ source: fakeSource(never), externalId: 'ann' });
    const outcomes = [
      outcomeOf(page.view.getToken()),
      outcomeOf(page.view.getToken()),
      outcomeOf(page.view.refresh()),
      outcomeOf(page.fetch('/api/conversations')),
    ];
    await pass(SECOND);
    page.update({ externalId: 'bob', source: fakeSource() });
    await pass();
    expect(outcomes).toEqual(Array.from({ length: 4 }, () => ({ code: 'aborted' })));
    expect(claims(page.view.token).sub).toBe('bob');
    expect(server.calls).toHaveLength(0);
  });

  test('every caller who waits for Ann’s token rejects with aborted when she signs out', async () => {
    const page = showWidget({ source: fakeSource(slow), externalId: 'ann' });
    const waiting = outcomeOf(page.view.getToken());
    await pass(SECOND);
    page.update({ externalId: null });
    await pass(10 * SECOND);
    expect(waiting.code).toBe('aborted');
    expect(page.probe.shown).toBe('idle none');
    expect(page.view).toMatchObject({ error: null, visitorId: undefined, isFetching: false });
  });

  test('a switch to Bob and back to Ann during her request gets Ann a token', async () => {
    const source = fakeSource(slow);
    const page = showWidget({ source, externalId: 'ann' });
    await pass(SECOND);
    page.update({ externalId: 'bob' });
    await pass(SECOND);
    page.update({ externalId: 'ann' });
    await pass(3 * SECOND);
    expect(claims(page.view.token).sub).toBe('ann');
    expect(subjects(page.probe.tokens)).toEqual(new Set([undefined, 'ann']));
  });
});

test('no render for Bob shows Ann’s token, not even the first', async () => {
  const source = fakeSource();
  const page = showWidget({ source, externalId: 'ann' });
  await pass();
  expect(claims(page.view.token).sub).toBe('ann');
  page.probe.tokens.length = 0;
  page.update({ externalId: 'bob' });
  expect(page.probe.shown).toBe('pending none');
  expect(page.view).toMatchObject({ visitorId: undefined, expiresAtMs: undefined, error: null });
  await pass();
  expect(subjects(page.probe.tokens)).toEqual(new Set([undefined, 'bob']));
});

test('Ann’s failure is not shown to Bob', async () => {
  const source = fakeSource(({ externalId }) => {
    if (externalId === 'ann') throw new Response(null, { status: 400 });
    return new Promise(() => undefined);
  });
  const page = showWidget({ source, externalId: 'ann' });
  await pass();
  expect(page.view.status).toBe('error');
  page.update({ externalId: 'bob' });
  await pass(SECOND);
  expect(page.view).toMatchObject({ status: 'pending', error: null, retryAtMs: undefined });
});

test('a getToken obtained while Ann was the visitor returns Bob’s token after the switch', async () => {
  const page = showWidget({ source: fakeSource(), externalId: 'ann' });
  await pass();
  const { getToken, refresh } = page.view;
  page.update({ externalId: 'bob' });
  await pass();
  expect(claims(await getToken()).sub).toBe('bob');
  const refreshed = refresh();
  await pass();
  expect(claims(await refreshed).sub).toBe('bob');
});

test('another channel or source is another identity', async () => {
  const source = fakeSource();
  const page = showWidget({ source });
  await pass();
  page.update({ channelId: 'support' });
  expect(page.view.token).toBeUndefined();
  await pass();
  expect(source.requests.map(({ channelId }) => channelId)).toEqual(['webchat-default', 'support']);
  const other = Object.assign(fakeSource(), { key: 'other' });
  page.update({ source: other });
  expect(page.view.token).toBeUndefined();
  await pass();
  expect(other.requests).toHaveLength(1);
});

test('changed attributes are sent with the next request and are not another identity', async () => {
  const source = fakeSource();
  const page = showWidget({ source, attributes: { page: '/' } });
  await pass();
  const before = page.view.token;
  page.update({ attributes: { page: '/pricing' } });
  await pass();
  expect(page.view.token).toBe(before);
  expect(source.requests).toHaveLength(1);
  page.view.refresh();
  await pass();
  expect(source.requests[1]?.attributes).toEqual({ page: '/pricing' });
});

describe('a call of the guest fetch that was begun for Ann', () => {
  test('a call begun for Ann and rejected after the switch is not resent with Bob’s token', async () => {
    const source = fakeSource();
    const server = fakeServer(async (call) => {
      await new Promise((resolve) => setTimeout(resolve, SECOND));
      return refusing(annsToken)(call);
    });
    const page = showWidget({ source, externalId: 'ann' });
    await pass();
    const annsToken = page.view.token;
    const call = outcomeOf(page.fetch('/api/conversations', { method: 'POST', body: 'from Ann' }));
    await pass(SECOND / 2);
    page.update({ externalId: 'bob' });
    await pass(10 * SECOND);
    expect(server.calls.map(({ token }) => token)).toEqual([annsToken]);
    expect(call.status ?? call.code).toBeDefined();
    expect(claims(page.view.token).sub).toBe('bob');
    // nor does the refusal of Ann's token cost Bob his
    expect(source.requests.map(({ externalId }) => externalId)).toEqual(['ann', 'bob']);
  });

  test('a call begun for Ann is not resent if the switch comes while her token is being replaced', async () => {
    const source = fakeSource();
    const page = showWidget({ source, externalId: 'ann' });
    await pass();
    const server = fakeServer(refusing(page.view.token));
    source.answer = issuing(60 * MINUTE, 3 * SECOND);
    const call = outcomeOf(page.fetch('/api/conversations'));
    await pass(SECOND);
    page.update({ externalId: 'bob' });
    await pass(10 * SECOND);
    expect(call.code).toBe('aborted');
    expect(server.calls).toHaveLength(1);
  });

  test('a call begun for Ann is not resent if the switch comes during a Retry-After', async () => {
    const page = showWidget({ source: fakeSource(), externalId: 'ann' });
    await pass();
    const server = fakeServer(
      () => new Response(null, { status: 429, headers: { 'Retry-After': '5' } }),
    );
    const call = outcomeOf(page.fetch('/api/conversations'));
    await pass(SECOND);
    page.update({ externalId: 'bob' });
    await pass(10 * SECOND);
    expect(call.code).toBe('aborted');
    expect(server.calls).toHaveLength(1);
  });
});

describe('two providers of Ann, one of which switches to Bob', () => {
  function show(source: ReturnType<typeof fakeSource>) {
    const left = new Probe();
    const right = new Probe();
    const Page = ({ visitor }: { visitor: string }) => (
      <>
        <GuestTokenProvider externalId={visitor} source={source}>
          <left.Widget label="left" />
        </GuestTokenProvider>
        <GuestTokenProvider externalId="ann" source={source}>
          <right.Widget label="right" />
        </GuestTokenProvider>
      </>
    );
    const { rerender } = render(<Page visitor="ann" />);
    return { left, right, toBob: () => rerender(<Page visitor="bob" />) };
  }

  test('a second provider of Ann keeps her token when the first one switches to Bob', async () => {
    const source = fakeSource();
    const { left, right, toBob } = show(source);
    await pass();
    const anns = right.view.token;
    toBob();
    await pass();
    expect(right.view.token).toBe(anns);
    expect(claims(left.view.token).sub).toBe('bob');
    expect(source.requests.map(({ externalId }) => externalId)).toEqual(['ann', 'bob']);
  });

  test('a request under way continues for a second provider; only callers of the switched one are aborted', async () => {
    const source = fakeSource(issuing(60 * MINUTE, 3 * SECOND));
    const { left, right, toBob } = show(source);
    await pass(SECOND);
    const leftWaits = outcomeOf(left.view.getToken());
    const rightWaits = outcomeOf(right.view.getToken());
    toBob();
    await pass();
    expect(leftWaits.code).toBe('aborted');
    expect(source.signals[0]?.aborted).toBe(false);
    await pass(3 * SECOND);
    expect(rightWaits.token).toBe(right.view.token);
    expect(claims(right.view.token).sub).toBe('ann');
    expect(subjects(left.tokens)).toEqual(new Set([undefined, 'bob']));
    expect(source.requests.map(({ externalId }) => externalId)).toEqual(['ann', 'bob']);
  });
});

test('a transition to Bob keeps Ann’s page and token until Bob’s token has arrived', async () => {
  const source = fakeSource();
  const got: { getToken: () => Promise<string> }[] = [];
  function Chat() {
    const { token } = useSuspenseGuestToken();
    return <p>{claims(token).sub}</p>;
  }
  function Outside() {
    const { getToken } = useGuestToken();
    got[0] = { getToken };
    return null;
  }
  const Page = ({ visitor }: { visitor: string }) => (
    <GuestTokenProvider externalId={visitor} source={source}>
      <Outside />
      <Suspense fallback="connecting">
        <Chat />
      </Suspense>
    </GuestTokenProvider>
  );
  const { rerender } = render(<Page visitor="ann" />);
  await pass();
  await pass();
  expect(screen.getByText('ann')).toBeInTheDocument();
  source.answer = issuing(60 * MINUTE, 3 * SECOND);
  act(() => startTransition(() => rerender(<Page visitor="bob" />)));
  await pass(SECOND);
  expect(screen.getByText('ann')).toBeInTheDocument();
  expect(claims(await got[0]?.getToken()).sub).toBe('ann');
  await pass(2 * SECOND);
  await pass();
  expect(screen.getByText('bob')).toBeInTheDocument();
  expect(claims(await got[0]?.getToken()).sub).toBe('bob');
  expect(source.requests.map(({ externalId }) => externalId)).toEqual(['ann', 'bob']);
});

test('no caller receives Ann’s token after she has signed out, in whichever microtask it arrives', async () => {
  // But for the one turn in which it is on its way from the promise to whoever listens.
  const late: number[] = [];
  for (let turns = 0; turns < 20; turns++) {
    let arrive: (token: ReturnType<typeof reply>) => void = () => undefined;
    const source = fakeSource(() => new Promise((resolve) => (arrive = resolve)));
    const page = showWidget({ externalId: 'ann', source });
    await pass();
    let hasLeft = false;
    page.view.getToken().then(
      () => {
        if (hasLeft) late.push(turns);
      },
      () => undefined,
    );
    arrive(reply(60 * MINUTE, 'ann'));
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    hasLeft = true;
    page.update({ externalId: null });
    await pass();
    page.unmount();
    await pass();
  }
  expect(late.length).toBeLessThanOrEqual(1);
});

test('a second provider stays idle, however often it renders, after the first has signed the visitor out', async () => {
  const source = fakeSource();
  const one = showWidget({ externalId: 'ann', source });
  const other = showWidget({ externalId: 'ann', source });
  await pass();
  one.update({ externalId: null });
  await pass();
  for (let render = 0; render < 3; render++) {
    other.update({ attributes: { render } });
    await pass(MINUTE);
  }
  expect(other.view).toMatchObject({ status: 'idle', token: undefined });
  expect(source.requests).toHaveLength(1);
});
