// The hook and useQuery, side by side through days of faults.
import {
  QueryClient,
  QueryClientProvider,
  type UseQueryResult,
  useIsFetching,
  useQuery,
} from '@tanstack/react-query';
import fc from 'fast-check';
import { createElement, type ReactNode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  type GuestToken,
  type GuestTokenError,
  type GuestTokenView,
  guestTokenQueryOptions,
} from '../../src/index.ts';
import { byHook, byQuery } from '../react/told.ts';
import { type Companion, type Day, days, live } from './day.ts';

// React runs by itself here: act would batch what a browser does not.
beforeEach(() => vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A component that shows the query of the widget's visitor. */
function besideTheWidget(): Companion & { readonly comparisons: number } {
  const queryClient = new QueryClient();
  // The key alone: who only looks does not ask.
  const options = { ...guestTokenQueryOptions({ externalId: 'visitor', source }), enabled: false };
  let query: UseQueryResult<GuestToken, GuestTokenError> | undefined;
  let fetching = 0;
  let comparisons = 0;
  function Looker(): ReactNode {
    query = useQuery(options);
    fetching = useIsFetching();
    return null;
  }
  return {
    queryClient,
    Component: () =>
      createElement(QueryClientProvider, { client: queryClient }, createElement(Looker)),
    check(view: GuestTokenView) {
      if (!query) return;
      comparisons++;
      const hook = byHook(view);
      expect(byQuery(query), 'useQuery').toEqual(hook);
      expect(fetching, 'useIsFetching').toBe(hook.isFetching ? 1 : 0);
    },
    get comparisons() {
      return comparisons;
    },
  };
}

/** Stands for the world's: both have no key, so that both are the same query. */
const source = (): Promise<never> => Promise.reject(new Error('Only the widget asks.'));

test('useQuery shows what the hook shows after every step of twelve days of faults', {
  timeout: 600_000,
}, async () => {
  let comparisons = 0;
  const liveBeside = async (day: Day): Promise<void> => {
    const companion = besideTheWidget();
    try {
      await live(day, companion);
      comparisons += companion.comparisons;
    } finally {
      vi.restoreAllMocks();
      vi.useRealTimers();
      document.body.replaceChildren();
    }
  };
  await fc.assert(fc.asyncProperty(days, liveBeside), { numRuns: 12, seed: 1, endOnFailure: true });
  expect(comparisons).toBeGreaterThan(1_000);
});
