import { useMemo, useSyncExternalStore } from 'react';
import type { GetTokenOptions } from '../query/guestTokenRoot.ts';
import type { GuestTokenState } from '../query/guestTokenState.ts';
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
  return useSyncExternalStore(context.store.subscribe, views.current, views.onServer);
}

const fields = [
  'status',
  'token',
  'visitorId',
  'expiresAtMs',
  'error',
  'retryAtMs',
  'isRefreshing',
] as const satisfies readonly (keyof GuestTokenState)[];

type Field = (typeof fields)[number];

const serverViews = new WeakSet<GuestTokenView>();

/** Whether React renders on a server, or hydrates what came from there. */
export function isServerView(view: GuestTokenView): boolean {
  return serverViews.has(view);
}

/**
 * Hands out the same view until a field that somebody has read from it changes. What a view shows is
 * read when it is read: even one that was kept over a night's sleep never shows a token that is over.
 */
function trackedViews({ store, serverState, getToken, refresh }: GuestTokenContextValue): {
  current: () => GuestTokenView;
  onServer: () => GuestTokenView;
} {
  /** What was read, as it was when the present view was made or when it was first read. */
  const seen = new Map<Field, unknown>();
  let view: GuestTokenView | undefined;

  function makeView(read: () => GuestTokenState): GuestTokenView {
    const getters = fields.map((field) => {
      const get = (): unknown => {
        const value = read()[field];
        if (!seen.has(field)) seen.set(field, value);
        return value;
      };
      return [field, { enumerable: true, get }] as const;
    });
    // The getters read one state, so that the union on `status` holds for them as it does for it.
    return Object.defineProperties(
      { getToken, refresh } as GuestTokenView,
      Object.fromEntries(getters),
    );
  }

  const serverView = makeView(() => serverState);
  serverViews.add(serverView);
  return {
    current() {
      const state = store.read();
      if (!view || [...seen].some(([field, value]) => value !== state[field])) {
        for (const field of seen.keys()) seen.set(field, state[field]);
        view = makeView(() => store.read());
      }
      return view;
    },
    onServer: () => serverView,
  };
}
