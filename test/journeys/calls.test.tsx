// A widget's calls with the token of whoever is there: refusals, stampedes, and visitors who change.
import { cleanup, render } from '@testing-library/react';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { GuestTokenProvider, useGuestFetch, useGuestToken } from '../../src/index.ts';
import {
  claims,
  down,
  type FakeSource,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  pass,
  SECOND,
  withFakeTime,
} from '../react/page.tsx';

withFakeTime();

interface Sending {
  readonly call: string;
  readonly token: string;
  readonly status: number;
  /** Who was on the page when it left. */
  readonly visitor: string | null;
}

type View = ReturnType<typeof useGuestToken>;

/** A page with a provider, and an API on its own origin that writes down every request. */
function openPage(source: FakeSource) {
  const sendings: Sending[] = [];
  let visitor: string | null = null;
  let guestFetch: typeof fetch = fetch;
  let view: View | undefined;
  const api = {
    /** What the API answers. */
    answer: (_token: string, _call: string): number => 200,
    /** Ms until it does. */
    delayMs: 0,
  };
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const token = request.headers.get('Authorization')?.replace('Bearer ', '') ?? '';
    const call = request.headers.get('X-Call') ?? '';
    const status = api.answer(token, call);
    sendings.push({ call, token, status, visitor });
    await new Promise<void>((resolve, reject) => {
      setTimeout(resolve, api.delayMs);
      request.signal.addEventListener('abort', () => reject(request.signal.reason));
    });
    return new Response(null, { status });
  });

  function Widget() {
    guestFetch = useGuestFetch();
    view = useGuestToken();
    return <p>{view.token ?? 'none'}</p>;
  }
  const page = (externalId: string | null) => (
    <GuestTokenProvider externalId={externalId} source={source}>
      <Widget />
    </GuestTokenProvider>
  );
  const { rerender, container } = render(page(null));
  let serial = 0;
  return {
    api,
    sendings,
    source,
    /** What the widget shows. */
    get shown() {
      return container.textContent;
    },
    get view() {
      if (!view) throw new Error('The widget was not rendered.');
      return view;
    },
    enter(externalId: string | null) {
      visitor = externalId;
      rerender(page(externalId));
    },
    call(signal?: AbortSignal): Call {
      const headers = { 'X-Call': String(++serial) };
      const ended: Call = { name: String(serial), visitor, outcome: undefined };
      const init = { method: 'POST', headers, ...(signal && { signal }) };
      guestFetch('/api/messages', init).then(
        ({ status }) => {
          ended.outcome = status;
        },
        (error: unknown) => {
          ended.outcome =
            error instanceof Error ? ('code' in error ? error.code : error.name) : error;
        },
      );
      return ended;
    },
  };
}

interface Call {
  readonly name: string;
  /** Who was on the page when it began. */
  readonly visitor: string | null;
  outcome: unknown;
}

/** A page on which the first token is in hand, and is good no longer. */
async function openRefused(source = fakeSource(issuing(HOUR, 200))) {
  const page = openPage(source);
  page.enter('ann');
  await pass(200);
  const first = page.view.token;
  page.api.answer = (token) => (token === first ? 401 : 200);
  page.api.delayMs = 50;
  return { ...page, page, first };
}

afterEach(() => vi.unstubAllGlobals());

test.each([10, 1_000])(
  '%d calls that are refused together cost one acquisition, and each is sent once more',
  async (count) => {
    const { page, source, sendings, first } = await openRefused();
    const calls = Array.from({ length: count }, () => page.call());
    await pass(SECOND);
    expect(calls.map(({ outcome }) => outcome)).toEqual(Array(count).fill(200));
    expect(source.requests.map(({ fresh }) => fresh)).toEqual([false, true]);
    expect(sendings.filter(({ token }) => token === first)).toHaveLength(count);
    expect(sendings.filter(({ token }) => token === page.view.token)).toHaveLength(count);
  },
);

test('a late 401 for the token before only has the call sent again', async () => {
  const { page, api, source } = await openRefused();
  api.delayMs = 5 * SECOND; // answered when there is a newer token already
  const late = page.call();
  await pass(SECOND);
  page.view.refresh();
  await pass(SECOND);
  expect(source.requests).toHaveLength(2);
  await pass(10 * SECOND);
  expect(late.outcome).toBe(200);
  expect(source.requests).toHaveLength(2);
});

test('a refused token stays on show until it is replaced; getToken waits for the new one', async () => {
  const { page, first } = await openRefused();
  page.call();
  await pass(100);
  expect(page.shown).toBe(first);
  const got = page.view.getToken();
  await pass(200);
  expect(claims(await got).jti).toBe(claims(first).jti + 1);
  expect(page.shown).toBe(await got);
});

test('an endpoint that refuses every token is polled each second for 5 minutes, and costs few of them', async () => {
  const page = openPage(fakeSource(issuing(HOUR)));
  page.enter('ann');
  await pass();
  page.api.answer = () => 403;
  const calls: Call[] = [];
  for (let second = 0; second < 300; second++) {
    calls.push(page.call());
    await pass(SECOND);
  }
  expect(new Set(calls.map(({ outcome }) => outcome))).toEqual(new Set([403]));
  // the first refusal, and one more after each of the cool-downs of 30, 60 and 120 s
  expect(page.source.requests.length - 1).toBeLessThanOrEqual(5);
  expect(page.sendings.length).toBeLessThanOrEqual(300 + 5);
  expect(page.view.status).toBe('success');
});

test('a refusal while no token can be had is handed over, and the calls that follow are too', async () => {
  const { page, source } = await openRefused();
  source.answer = down;
  const first = page.call();
  await pass(10 * SECOND);
  expect(first.outcome).toBe(401);
  const asked = source.requests.length;
  const second = page.call();
  await pass(SECOND);
  expect([second.outcome, source.requests.length]).toEqual(['unreachable', asked]);
});

test('a visitor who leaves takes the token off the screen, without a word on the console', async () => {
  const page = openPage(fakeSource());
  page.enter('ann');
  await pass();
  expect(page.shown).toMatch(/^ey/);
  page.enter(null);
  expect(page.shown).toBe('none');
});

describe('a call that was begun for Ann', () => {
  test('and is refused when Bob is there is not sent with his token', async () => {
    const { page, sendings } = await openRefused();
    const call = page.call();
    await pass(10);
    page.enter('bob');
    await pass(MINUTE);
    expect(call.outcome).toBe(401);
    expect(sendings.map(({ token }) => claims(token).sub)).toEqual(['ann']);
  });

  test('and waits for a new token when Bob comes is not sent at all', async () => {
    const { page, sendings } = await openRefused();
    const call = page.call();
    await pass(100);
    page.enter('bob');
    await pass(MINUTE);
    expect(call.outcome).toBe('aborted');
    expect(sendings.map(({ token }) => claims(token).sub)).toEqual(['ann']);
  });

  test('and waits for her first token when she leaves is not sent, though she comes back', async () => {
    const page = openPage(fakeSource(issuing(HOUR, 200)));
    page.enter('ann');
    const call = page.call();
    await pass(100);
    page.enter(null);
    await pass(10);
    page.enter('ann');
    await pass(MINUTE);
    expect(call.outcome).toBe('aborted');
    expect(page.sendings).toEqual([]);
  });

  test('where nobody is there fails at once, with aborted', async () => {
    const page = openPage(fakeSource());
    const call = page.call();
    await pass();
    expect(call.outcome).toBe('aborted');
    expect(page.sendings).toEqual([]);
  });
});

describe('whatever happens in whatever order', () => {
  type Step =
    | { do: 'call'; abortAfterMs: number | null }
    | { do: 'enter'; who: string | null }
    | { do: 'revoke' | 'refuse' | 'busy' | 'heal' }
    | { do: 'source'; state: 'works' | 'slow' | 'down' | 'refuses' }
    | { do: 'pass'; ms: number };

  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        abortAfterMs: fc.option(fc.nat(500), { freq: 3 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(3_000) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('enter' as const),
        who: fc.constantFrom('ann', 'bob', null),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('revoke', 'refuse', 'busy', 'heal' as const) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('source' as const),
        state: fc.constantFrom('works', 'slow', 'down', 'refuses' as const),
      }),
    },
  );

  async function live(steps: readonly Step[], apiDelayMs: number): Promise<void> {
    const page = openPage(fakeSource(issuing(HOUR, 100)));
    page.api.delayMs = apiDelayMs;
    page.enter('ann');
    const revoked = new Set<string>();
    let mood: 'refuse' | 'busy' | 'heal' = 'heal';
    page.api.answer = (token) => {
      if (revoked.has(token)) return 401;
      return { refuse: 403, busy: 429, heal: 200 }[mood];
    };
    const answers = {
      works: issuing(HOUR),
      slow: issuing(HOUR, 4 * SECOND),
      down,
      refuses: () => Promise.reject(new Response(null, { status: 403 })),
    };
    const calls: Call[] = [];
    for (const each of steps) {
      if (each.do === 'pass') await pass(each.ms);
      else if (each.do === 'enter') page.enter(each.who);
      else if (each.do === 'source') page.source.answer = answers[each.state];
      else if (each.do === 'revoke') revoked.add(page.view.token ?? '');
      else if (each.do !== 'call') mood = each.do;
      else {
        const caller = new AbortController();
        calls.push(page.call(caller.signal));
        if (each.abortAfterMs !== null) setTimeout(() => caller.abort(), each.abortAfterMs);
      }
    }
    await pass(3 * MINUTE);

    for (const call of calls) {
      const sendings = page.sendings.filter(({ call: name }) => name === call.name);
      // every call ends, and is sent with the token of the one it was begun for, while that one is there
      expect(call.outcome).toBeDefined();
      for (const { token, visitor } of sendings) {
        expect(claims(token).sub).toBe(call.visitor);
        expect(visitor).toBe(call.visitor);
      }
      // twice at most, waits for a 429 aside, and never again with a token that was refused
      const processed = sendings.filter(({ status }) => status !== 429);
      expect(processed.length).toBeLessThanOrEqual(2);
      expect(new Set(processed.map(({ token }) => token)).size).toBe(processed.length);
    }
  }

  test('no call leaves with another visitor’s token, none is sent more than twice, and all of them end', {
    timeout: 120_000,
  }, async () => {
    const delays = fc.constantFrom(0, 50, 1_500);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 30 }),
        delays,
        async (steps, ms) => {
          try {
            await live(steps, ms);
          } finally {
            cleanup();
            await pass();
          }
        },
      ),
      { seed: 20261123, numRuns: 60, endOnFailure: false },
    );
  });
});
