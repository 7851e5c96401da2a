import { LRUCache } from 'lru-cache';

/** Hashes are remembered: to make one costs more than all the rest of an answer from memory. */
const REMEMBERED_KEYS = 10_000;

/** Makes keys that tell ids apart, unambiguously whatever they hold; no id can be read from one. */
export function createHashedKeys(): (...ids: readonly string[]) => Promise<string> {
  const keys = new LRUCache<string, string>({ max: REMEMBERED_KEYS });
  return async (...ids) => {
    const identity = JSON.stringify(ids);
    const known = keys.get(identity);
    if (known !== undefined) return known;
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(identity));
    const bytes = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
    const key = bytes.join('');
    keys.set(identity, key);
    return key;
  };
}
