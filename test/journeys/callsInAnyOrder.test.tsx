// Calls, refusals, aborts and visitors who change, in any order at all.
import { cleanup } from '@testing-library/react';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import {
  claims,
  down,
  fakeSource,
  HOUR,
  issuing,
  MINUTE,
  pass,
  SECOND,
  withFakeTime,
} from '../react/page.tsx';
import { type Call, openPage } from './callsPage.tsx';

withFakeTime();
afterEach(() => vi.unstubAllGlobals());

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
  const told = JSON.stringify(page.events);
  for (const { token } of page.sendings) expect(told).not.toContain(token);
}

test('no call carries another visitor’s token or is sent more than twice, and every call settles', {
  timeout: 120_000,
}, async () => {
  const delays = fc.constantFrom(0, 50, 1_500);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30 }), delays, async (steps, ms) => {
      try {
        await live(steps, ms);
      } finally {
        cleanup();
        await pass();
      }
    }),
    { seed: 20261123, numRuns: 150, endOnFailure: false },
  );
});
