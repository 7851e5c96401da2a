import { GuestTokenError } from '../core/errors.ts';
import { useGuestTokenContext } from './GuestTokenContext.ts';
import { type GuestTokenView, useTrackedView } from './useGuestToken.ts';

export type SuspenseGuestTokenView = Extract<GuestTokenView, { status: 'success' }>;

/** Errors thrown in an earlier turn: to be rendered again with one means that somebody retries. */
const thrownBefore = new WeakSet<GuestTokenError>();

/**
 * Like `useGuestToken`, but with a token always: without one the component suspends, also when a
 * token runs out. Resetting the error boundary asks anew.
 *
 * @throws GuestTokenError a round's failure, or `misconfigured` where nobody is here or no
 *   GuestTokenProvider is above
 */
export function useSuspenseGuestToken(): SuspenseGuestTokenView {
  const context = useGuestTokenContext('useSuspenseGuestToken');
  const view = useTrackedView(context);
  if (view.status === 'success') return view;
  // On a server an error has React send the boundary's fallback; the browser takes it from there.
  if (view.status === 'idle' || !globalThis.window) {
    const code = view.status === 'idle' ? 'misconfigured' : 'aborted';
    throw new GuestTokenError(code, 'useSuspenseGuestToken needs a browser and an externalId.');
  }
  if (view.status === 'error' && !thrownBefore.has(view.error)) {
    const { error } = view;
    // In a microtask, since React renders a failed tree twice in one turn before it shows the failure.
    queueMicrotask(() => thrownBefore.add(error));
    throw error;
  }
  // A promise, as React 18 wants it; React 19 takes it too.
  throw context.store.settled();
}
