import { useMemo, useSyncExternalStore } from 'react';
import type { GetTokenOptions } from '../session/currentSession.ts';
import type { GuestTokenState } from '../session/state.ts';
import { type GuestTokenContextValue, useGuestTokenContext } from './GuestTokenContext.ts';

export type GuestTokenView = GuestTokenState & {
  /** A token that is valid at the moment it resolves; at once where one is in hand. */
  readonly getToken: (options?: GetTokenOptions) => Promise<string>;
  /** A new token now. */
  readonly refresh: () => Promise<string>;
};

/**
 * The guest token of the visitor. The component renders again only when something that it reads has
 * changed. The view is a snapshot: it never changes, so callbacks that run later use `getToken()`.
 *
 * @throws GuestTokenError `misconfigured` where no GuestTokenProvider is above
 */
export function useGuestToken(): GuestTokenView {
  return useTrackedView(useGuestTokenContext('useGuestToken'));
}

/** Subscribes to the fields that are read from the view, and to no others. */
export function useTrackedView(context: GuestTokenContextValue): GuestTokenView {
  const tracker = useMemo(() => new ViewTracker(context), [context]);
  const version = useSyncExternalStore(context.store.subscribe, tracker.getVersion, onServer);
  return version === ON_SERVER ? context.serverView : tracker.getView();
}

/** The version on a server, and in the browser until the component is hydrated. */
const ON_SERVER = -1;
const onServer = (): number => ON_SERVER;

/** What one component has read, and whether that has changed. */
class ViewTracker {
  readonly #context: GuestTokenContextValue;
  readonly #read = new Set<keyof GuestTokenView>();
  #version = 0;
  #state: GuestTokenState;
  #view: GuestTokenView | undefined;

  constructor(context: GuestTokenContextValue) {
    this.#context = context;
    this.#state = context.store.getView();
  }

  /** Another number when a field that the component has read is another one now. */
  readonly getVersion = (): number => {
    const before: Partial<GuestTokenView> = this.#state;
    const state: Partial<GuestTokenView> = this.#update();
    if (state === before) return this.#version;
    for (const field of this.#read) {
      if (state[field] === before[field]) continue;
      this.#version++;
      break;
    }
    return this.#version;
  };

  /** The view of now. */
  getView(): GuestTokenView {
    const state = this.#update();
    if (!this.#view) {
      const { getToken, refresh } = this.#context;
      this.#view = withTracking({ ...state, getToken, refresh }, this.#read);
    }
    return this.#view;
  }

  #update(): GuestTokenState {
    const state = this.#context.store.getView();
    if (state !== this.#state) this.#view = undefined;
    this.#state = state;
    return state;
  }
}

/** Notes which fields are read. An immutable snapshot all the same: it can be frozen, and spread. */
function withTracking(view: GuestTokenView, read: Set<keyof GuestTokenView>): GuestTokenView {
  const tracked = { ...view };
  for (const field of fields) {
    const value = view[field];
    const get = (): unknown => {
      read.add(field);
      return value;
    };
    Object.defineProperty(tracked, field, { get, enumerable: true });
  }
  return tracked;
}

const fields = [
  'status',
  'token',
  'visitorId',
  'expiresAtMs',
  'error',
  'retryAtMs',
  'isFetching',
] as const satisfies readonly (keyof GuestTokenState)[];
