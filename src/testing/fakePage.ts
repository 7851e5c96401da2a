import { settle } from './fakeTime.ts';

/** The visitor looks at another tab: the page is hidden. */
export async function hidePage(): Promise<void> {
  await settle(() => {
    override(document, 'visibilityState', 'hidden');
    override(document, 'hidden', true);
    dispatch('visibilitychange', document);
  });
}

/** The visitor is back, after `hidePage()`. */
export async function showPage(): Promise<void> {
  await settle(() => {
    override(document, 'visibilityState', 'visible');
    override(document, 'hidden', false);
    dispatch('visibilitychange', document);
  });
}

/** The network is gone. */
export async function goOffline(): Promise<void> {
  await settle(() => {
    override(navigator, 'onLine', false);
    dispatch('offline');
  });
}

/** The network is there again, after `goOffline()`. */
export async function goOnline(): Promise<void> {
  await settle(() => {
    override(navigator, 'onLine', true);
    dispatch('online');
  });
}

/** The window gets the focus, as when the visitor comes back to a machine that slept. */
export async function focusPage(): Promise<void> {
  await settle(() => dispatch('focus'));
}

/** Undoes `hidePage()` and `goOffline()` without an event. For `afterEach`. */
export function resetPage(): void {
  for (const undo of overridden.splice(0)) undo();
}

const overridden: (() => void)[] = [];

/** Puts a property of its own before the browser's, which the prototype has. */
function override(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { configurable: true, get: () => value });
  overridden.push(() => Reflect.deleteProperty(target, name));
}

function dispatch(type: string, target: EventTarget = window): void {
  target.dispatchEvent(new Event(type, { bubbles: true }));
}
