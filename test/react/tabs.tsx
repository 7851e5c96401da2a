// Several tabs of one browser. Each has a copy of the package of its own and sees the others only
// through BroadcastChannel; what sessionStorage holds stands for one tab and its next page.
import { act } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';
import { FakeChannel } from '../fakeBrowser.ts';
import { anotherCopy, type Library, type Page, pass, showWidget } from './page.tsx';

let told: Told[] = [];

interface Told {
  readonly type: unknown;
  readonly atMs: number;
}

/** The tab whose code runs now: it owns the listeners that are added meanwhile. */
let acting: object | undefined;
/** The tab to which something happens; undefined: to all of them. */
let concerned: object | undefined;
/** The tabs in the back/forward cache: they hear no message. */
const away = new Set<object | undefined>();

/** The channel of the tab whose code opened it. */
class TabChannel extends FakeChannel {
  readonly #owner = acting;

  override get hears(): boolean {
    return !away.has(this.#owner);
  }

  override postMessage(message: unknown): void {
    super.postMessage(message);
    told.push({ type: Object(message).type, atMs: Date.now() });
  }
}

/** All tabs share one window here; a listener hears what happens to its own tab. */
function tellTabsApart(target: EventTarget): void {
  const { addEventListener: add, removeEventListener: remove } = target;
  const wrapped = new Map<unknown, EventListener>();
  vi.spyOn(target, 'addEventListener').mockImplementation((type, listener, options) => {
    const owner = acting;
    if (!owner || typeof listener !== 'function') return add.call(target, type, listener, options);
    const own =
      wrapped.get(listener) ??
      ((event) => {
        if (!concerned || concerned === owner) listener.call(target, event);
      });
    wrapped.set(listener, own);
    add.call(target, type, own, options);
  });
  vi.spyOn(target, 'removeEventListener').mockImplementation((type, listener, options) => {
    remove.call(target, type, wrapped.get(listener) ?? listener, options);
  });
}

/** Gives every test of the file a browser whose tabs can talk; call it after `withFakeTime`. */
export function withTabs(): void {
  beforeEach(() => {
    FakeChannel.open.clear();
    told = [];
    away.clear();
    sessionStorage.clear();
    vi.stubGlobal('isSecureContext', true);
    vi.stubGlobal('BroadcastChannel', TabChannel);
    for (const target of [window, document]) tellTabsApart(target);
  });
  afterEach(() => sessionStorage.clear());
}

/** How many channels the tabs have open. */
export function openChannels(): number {
  return FakeChannel.open.size;
}

/** What the tabs have told each other since the last call, without what was told. */
export function takeMessages(): Told[] {
  return told.splice(0);
}

/** How long a tab waits for the others' answer before it asks the source, with some time to spare. */
export const ASKING_MS = 100;

export interface Tab extends Page {
  /** Something happens to this tab only, with all that follows from it at once. */
  happen(event: Event | string, target?: EventTarget): Promise<void>;
  /** From now on it is, or is not, in the back/forward cache; no event tells of it. */
  setAway(isAway: boolean): void;
}

/** Opens one more tab, and waits until the other tabs have answered. */
export async function openTab(...[props, wrapper]: Parameters<typeof showWidget>): Promise<Tab> {
  const tab = startTab(await anotherCopy(), props, wrapper);
  await pass(ASKING_MS);
  return tab;
}

/** Opens several tabs in the same millisecond. */
export async function openTabsAtOnce(
  ...propsOfEach: readonly Parameters<typeof showWidget>[0][]
): Promise<Tab[]> {
  const libraries: Library[] = [];
  for (const _ of propsOfEach) libraries.push(await anotherCopy());
  return libraries.map((library, n) => startTab(library, propsOfEach[n]));
}

function startTab(library: Library, ...[props, wrapper]: Parameters<typeof showWidget>): Tab {
  const me = {};
  function asMe<Result>(work: () => Result): Result {
    acting = me;
    try {
      return work();
    } finally {
      acting = undefined;
    }
  }
  const page = asMe(() => showWidget(props, wrapper, library));
  return {
    get probe() {
      return page.probe;
    },
    get events() {
      return page.events;
    },
    get view() {
      return page.view;
    },
    get fetch() {
      return page.fetch;
    },
    update: (more) => asMe(() => page.update(more)),
    unmount: () => asMe(() => page.unmount()),
    setAway: (isAway) => void (isAway ? away.add(me) : away.delete(me)),
    async happen(event, target = window) {
      concerned = me;
      await act(async () => {
        asMe(() =>
          target.dispatchEvent(
            typeof event === 'string' ? new Event(event, { bubbles: true }) : event,
          ),
        );
      });
      concerned = undefined;
      await pass();
    },
  };
}

/** The tab goes to the next page of the site: memory is gone, sessionStorage stays. */
export async function openNextPage(
  tab: Tab,
  ...[props, wrapper]: Parameters<typeof showWidget>
): Promise<Tab> {
  await tab.happen(new PageTransitionEvent('pagehide', { persisted: false }));
  const kept = Object.entries(sessionStorage);
  tab.unmount();
  await pass();
  for (const [key, value] of kept) sessionStorage.setItem(key, value);
  return await openTab(props, wrapper);
}

/** The tab is left for another page, and kept in the back/forward cache: what browsers fire then. */
export async function putAway(tab: Tab): Promise<void> {
  await tab.happen(new PageTransitionEvent('pagehide', { persisted: true }));
  await setTabVisible(tab, false);
  tab.setAway(true);
  // it is this tab that is hidden, not those that the visitor looks at now
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible');
}

/** The visitor goes back to it. */
export async function bringBack(tab: Tab): Promise<void> {
  tab.setAway(false);
  await setTabVisible(tab, true);
  await tab.happen(new PageTransitionEvent('pageshow', { persisted: true }));
}

export async function setTabVisible(tab: Tab, visible: boolean): Promise<void> {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(visible ? 'visible' : 'hidden');
  await tab.happen('visibilitychange', document);
}
