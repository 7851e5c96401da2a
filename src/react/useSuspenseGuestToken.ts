import * as React from 'react';
import { useEffect, useRef } from 'react';
import { GuestTokenError } from '../core/errors.ts';
import { useGuestTokenContext } from './GuestTokenContext.ts';
import { type GuestTokenView, useTrackedView } from './useGuestToken.ts';

export type SuspenseGuestTokenView = Extract<GuestTokenView, { status: 'success' }>;

/**
 * Like `useGuestToken`, but always with a token: without one the component suspends, also when a
 * token runs out. Resetting the error boundary tries again.
 *
 * @throws GuestTokenError the failure of an acquisition, or `misconfigured` where `externalId` is
 *   null or no GuestTokenProvider is above
 */
export function useSuspenseGuestToken(): SuspenseGuestTokenView {
  const context = useGuestTokenContext('useSuspenseGuestToken');
  const view = useTrackedView(context);
  const rendered = useRef<unknown>(undefined);
  useEffect(() => {
    rendered.current = context;
  }, [context]);
  const { suspense } = context;
  if (view.status === 'success') {
    suspense?.resets.onProgress();
    return view;
  }
  // On a server an error has React send the boundary's fallback; the browser takes it from there.
  if (!suspense || !globalThis.window) {
    const code = suspense ? 'aborted' : 'misconfigured';
    throw new GuestTokenError(code, 'useSuspenseGuestToken needs a browser and an externalId.');
  }
  const { error } = view;
  const isRetry = error !== null && suspense.resets.isReset(error);
  if (view.status === 'error' && !isRetry) {
    suspense.resets.onThrow(view.error);
    throw view.error;
  }
  suspense.resets.onProgress();
  const pending = suspense.acquire(isRetry);
  // React 19 spins when mounted components of two providers throw promises; `use` has them wait.
  if (typeof use !== 'function' || rendered.current !== context) throw pending;
  // In place of the promise that it has waited for, `use` returns at once: the next one waits.
  for (;;) use(pending);
}

/** React 18 has no `use`. The name is computed, or bundlers would miss the export there. */
const use: unknown = Reflect.get(React, 'use'.toString());
