/**
 * Lets the page believe that nobody sees it.
 *
 * @returns what shows it again
 */
export function hidePage(): () => void {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  return () => {
    // the browser's own, of the prototype, counts again
    Reflect.deleteProperty(document, 'visibilityState');
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  };
}
