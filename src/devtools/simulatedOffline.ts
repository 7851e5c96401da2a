let goOnline: (() => void) | undefined;

export function isSimulatedOffline(): boolean {
  return goOnline !== undefined;
}

/** Lets the whole page believe that it has no network, or ends that. */
export function simulateOffline(offline: boolean): void {
  if (!offline) goOnline?.();
  if (!offline || goOnline) return;
  Object.defineProperty(navigator, 'onLine', { configurable: true, get: () => false });
  goOnline = () => {
    goOnline = undefined;
    // The browser's own, of the prototype, counts again.
    Reflect.deleteProperty(navigator, 'onLine');
    dispatchEvent(new Event(navigator.onLine ? 'online' : 'offline'));
  };
  dispatchEvent(new Event('offline'));
}

/** Calls a listener when the network, or the simulation, changes. */
export function onNetworkChange(listener: () => void): () => void {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
}
