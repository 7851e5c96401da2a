import { asRecord } from './json.ts';

/**
 * Ms that a reply asks to wait: `Retry-After` as seconds or as an HTTP-date (RFC 9110, 10.2.3), else
 * `retryAfter` of its body, as Genesys' socket errors have it. Junk is ignored.
 */
export function readRetryAfterMs(headers: Headers | undefined, body?: unknown): number | undefined {
  const header = headers?.get('Retry-After') ?? '';
  // Only what looks like an HTTP-date: Date.parse takes "7 apples" and "-1" for dates.
  const isDate = header.endsWith('GMT');
  // By the server's own clock where it tells it: ours may be wrong.
  const nowMs = Date.parse(headers?.get('Date') ?? '') || Date.now();
  const untilDateMs = isDate ? Math.max(Date.parse(header) - nowMs, 0) : Number.NaN;
  const inBodyMs = seconds(asRecord(body).retryAfter);
  return [seconds(header), untilDateMs, inBodyMs].find(Number.isFinite);
}

function seconds(given: unknown): number {
  // an object of a hostile reply may refuse to become a string
  const text = typeof given === 'object' ? '' : String(given);
  return /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) * 1000 : Number.NaN;
}
