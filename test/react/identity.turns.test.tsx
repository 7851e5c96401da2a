// A visitor who leaves and comes back within one turn of the event loop.
import { act, render } from '@testing-library/react';
import { Fragment, StrictMode, useLayoutEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { describe, expect, test } from 'vitest';
import { GuestTokenProvider } from '../../src/index.ts';
import {
  claims,
  fakeSource,
  HOUR,
  issuing,
  outcomeOf,
  Probe,
  pass,
  SECOND,
  showWidget,
  withFakeTime,
} from './page.tsx';

withFakeTime();

const wrappers = { plainly: Fragment, 'under StrictMode': StrictMode };

describe.for(Object.entries(wrappers))(
  'a sign-out and sign-in within one turn, rendered %s',
  ([, wrapper]) => {
    /** A page whose visitor is set from outside of React, and one that a layout effect may correct. */
    function show(source = fakeSource(issuing(HOUR, SECOND))) {
      const probe = new Probe();
      let setVisitor: (externalId: string | null) => void = () => undefined;
      let correct: (externalId: string | null) => string | null = (externalId) => externalId;
      function Page() {
        const [externalId, set] = useState<string | null>('anna');
        setVisitor = set;
        useLayoutEffect(() => set(correct(externalId)), [externalId]);
        return (
          <GuestTokenProvider externalId={externalId} source={source}>
            <probe.Widget />
          </GuestTokenProvider>
        );
      }
      render(<Page />, { wrapper });
      return {
        source,
        probe,
        setVisitor: (externalId: string | null) => setVisitor(externalId),
        correctWith: (how: typeof correct) => {
          correct = how;
        },
      };
    }

    test('a visitor who signs out and in by flushSync has a token again', async () => {
      const page = show();
      await pass(SECOND);
      await act(async () => {
        flushSync(() => page.setVisitor(null));
        flushSync(() => page.setVisitor('anna'));
      });
      await pass(SECOND);
      expect(page.probe.view.status).toBe('success');
      expect(await page.probe.view.getToken()).toBe(page.probe.view.token);
      await pass(HOUR);
      expect(page.probe.view.status).toBe('success');
    });

    test('a visitor whom a layout effect signs in again has a token again', async () => {
      const page = show();
      await pass(SECOND);
      page.correctWith((externalId) => externalId ?? 'anna');
      act(() => page.setVisitor(null));
      await pass(SECOND);
      expect(page.probe.view.status).toBe('success');
      await pass(HOUR);
      expect(page.probe.view.status).toBe('success');
    });

    test('a visitor who signs out and in during the first request costs at most two requests', async () => {
      const page = show();
      await pass(SECOND / 2);
      await act(async () => {
        flushSync(() => page.setVisitor(null));
        flushSync(() => page.setVisitor('anna'));
      });
      await pass(2 * SECOND);
      expect(page.probe.view.status).toBe('success');
      expect(page.source.requests.length).toBeLessThanOrEqual(2);
    });

    test('a visitor who signs out, in and out in one turn stays idle', async () => {
      const page = show();
      await pass(SECOND);
      await act(async () => {
        flushSync(() => page.setVisitor(null));
        flushSync(() => page.setVisitor('anna'));
        flushSync(() => page.setVisitor(null));
      });
      await pass(2 * SECOND);
      expect(page.probe.shown).toBe('idle none');
      expect(page.source.requests).toHaveLength(1);
    });

    test('a visitor who returns after another one in the same turn sees only her own token', async () => {
      const page = show();
      await pass(SECOND);
      await act(async () => {
        flushSync(() => page.setVisitor('ben'));
        flushSync(() => page.setVisitor('anna'));
      });
      await pass(2 * SECOND);
      expect(claims(page.probe.view.token).sub).toBe('anna');
      const shown = page.probe.tokens.filter((token) => token && claims(token).sub !== 'anna');
      expect(shown).toEqual([]);
    });
  },
);

test('a visitor who moves from one provider to another in one turn has a token there', async () => {
  const source = fakeSource(issuing(HOUR, SECOND));
  const from = showWidget({ source, externalId: 'anna' });
  const to = showWidget({ source, externalId: null });
  await pass(SECOND);
  act(() => {
    from.update({ externalId: null });
    to.update({ externalId: 'anna' });
  });
  await pass(2 * SECOND);
  expect(from.view.status).toBe('idle');
  expect(to.view.status).toBe('success');
  const got = outcomeOf(to.view.getToken());
  await pass();
  expect(got.token).toBe(to.view.token);
});
