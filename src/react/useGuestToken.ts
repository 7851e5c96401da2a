import { useMemo, useSyncExternalStore } from 'react';
import type { GetTokenOptions } from '../session/guestTokenRoot.ts';
import type { GuestTokenState } from '../session/guestTokenState.ts';
import { type GuestTokenContextValue, useGuestTokenContext } from './GuestTokenContext.ts';

export type GuestTokenView = GuestTokenState & {
  /** A token that is valid at the moment it resolves; at once where one is in hand. */
  readonly getToken: (options?: GetTokenOptions) => Promise<string>;
  /** A new token now. */
  readonly refresh: () => Promise<string>;
};

/**
 * The guest token of the visitor. The component renders again only when something that it reads has
 * changed.
 *
 * @throws GuestTokenError `misconfigured` where no GuestTokenProvider is above
 */
export function useGuestToken(): GuestTokenView {
  return useTrackedView(useGuestTokenContext('useGuestToken'));
}

/** Subscribes to the fields that are read from the view, and to no others. */
export function useTrackedView(context: GuestTokenContextValue): GuestTokenView {
  const views = useMemo(() => trackedViews(context), [context]);
  return useSyncExternalStore(context.store.subscribe, ...views);
}

/**
 * Hands out the same view until a field that somebody has read from it changes. What a view shows is
 * read when it is read: even one that was kept over a night's sleep never shows a token that is over.
 */
function trackedViews({
  store,
  serverState,
  getToken,
  refresh,
}: GuestTokenContextValue): readonly [
  current: () => GuestTokenView,
  onServer: () => GuestTokenView,
] {
  /** What was read from the present view, as it was then. */
  const seen = new Map<PropertyKey, unknown>();

  function makeView(now: () => GuestTokenView): GuestTokenView {
    return new Proxy(now(), {
      get(_, field) {
        const value = Reflect.get(now(), field);
        if (!seen.has(field)) seen.set(field, value);
        return value;
      },
    });
  }

  const now = (): GuestTokenView => ({ ...store.read(), getToken, refresh });
  const serverView = makeView(() => ({ ...serverState, getToken, refresh }));
  let view: GuestTokenView | undefined;
  function current(): GuestTokenView {
    const present = now();
    if (!view || [...seen].some(([field, value]) => value !== Reflect.get(present, field))) {
      seen.clear();
      view = makeView(now);
    }
    return view;
  }
  return [current, () => serverView];
}
