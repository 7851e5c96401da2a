import { useMemo, useSyncExternalStore } from 'react';
import type { GetTokenOptions } from '../session/currentSession.ts';
import { type GuestTokenState, type StateField, stateFields } from '../session/view.ts';
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
export const useTrackedView = globalThis.window ? useSubscribedView : useServerView;

/** Nothing changes on a server. */
function useServerView(context: GuestTokenContextValue): GuestTokenView {
  return context.serverView;
}

function useSubscribedView(context: GuestTokenContextValue): GuestTokenView {
  const tracker = useMemo(() => new ViewTracker(context), [context]);
  const version = useSyncExternalStore(tracker.subscribe, tracker.getVersion, onServer);
  return version === ON_SERVER ? context.serverView : tracker.getView();
}

/** The version in the browser until the component is hydrated. */
const ON_SERVER = -1;
const onServer = (): number => ON_SERVER;

/** What one component has read, and whether that has changed. */
class ViewTracker {
  readonly #context: GuestTokenContextValue;
  /** Few, so that a list is smaller and faster than a set. */
  readonly #read: StateField[] = [];
  #version = 0;
  #state: GuestTokenState;
  #view: GuestTokenView | undefined;

  constructor(context: GuestTokenContextValue) {
    this.#context = context;
    this.#state = context.store.getView();
  }

  readonly subscribe = (onChange: () => void): (() => void) =>
    this.#context.store.subscribe((changed) => {
      if (this.#read.some((field) => changed.includes(field))) onChange();
    });

  /** Another number when a field that the component has read is another one now. */
  readonly getVersion = (): number => {
    const before = this.#state;
    const state = this.#update();
    if (this.#read.some((field) => state[field] !== before[field])) this.#version++;
    return this.#version;
  };

  /** The view of now. */
  getView(): GuestTokenView {
    const state = this.#update();
    this.#view ??= trackedView(state, this.#context, this.#read);
    return this.#view;
  }

  #update(): GuestTokenState {
    const state = this.#context.store.getView();
    if (state !== this.#state) this.#view = undefined;
    this.#state = state;
    return state;
  }
}

/** Where a tracked view keeps what it shows, and the list of the fields that were read from it. */
const source = Symbol('source');

interface TrackedView {
  readonly [source]: { readonly state: GuestTokenState; readonly read: StateField[] };
}

/** The same getters for all views: accessors of its own would make each view weigh 1.7 kB. */
const trackedFields: PropertyDescriptorMap = Object.fromEntries(
  stateFields.map((field) => [
    field,
    {
      enumerable: true,
      get(this: TrackedView): unknown {
        const { state, read } = this[source];
        if (!read.includes(field)) read.push(field);
        return state[field];
      },
    },
  ]),
);

/** Notes which fields are read. An immutable snapshot all the same: it can be frozen, and spread. */
function trackedView(
  state: GuestTokenState,
  { getToken, refresh }: GuestTokenContextValue,
  read: StateField[],
): GuestTokenView {
  return Object.create(Object.prototype, {
    ...trackedFields,
    getToken: { value: getToken, enumerable: true },
    refresh: { value: refresh, enumerable: true },
    [source]: { value: { state, read } },
  });
}
