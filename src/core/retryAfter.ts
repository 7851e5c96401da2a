import { asRecord } from './json.ts';
import { withTimeout } from './waits.ts';

/**
 * Ms that a reply asks to wait: `Retry-After` in seconds or as an HTTP-date (RFC 9110, 10.2.3), else
 * `retryAfter` of its body, as in errors of Genesys' socket. NaN without any of them, or for junk.
 */
export function readRetryAfterMs(headers: Headers | undefined, body?: unknown): number {
  const header = headers?.get('Retry-After') ?? '';
  // Only what looks like an HTTP-date: Date.parse takes "7 apples" and "-1" for dates.
  const isDate = header.endsWith('GMT');
  // By the server's own clock if it sends it: ours may be wrong.
  const nowMs = Date.parse(headers?.get('Date') ?? '') || Date.now();
  const untilDateMs = isDate ? Math.max(Date.parse(header) - nowMs, 0) : Number.NaN;
  const inBodyMs = seconds(asRecord(body).retryAfter);
  return [seconds(header), untilDateMs, inBodyMs].find(Number.isFinite) ?? Number.NaN;
}

function seconds(given: unknown): number {
  // an object of a hostile reply may refuse to become a string
  const text = typeof given === 'object' ? '' : String(given);
  return /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) * 1000 : Number.NaN;
}

const MAX_READ_MS = 1_000;
/** Characters: far more than an error takes. */
const MAX_READ_LENGTH = 16_384;

/** The JSON of a short response that arrives soon, else undefined. The response stays readable. */
export async function readShortJson(response: Response): Promise<unknown> {
  const reader = response.clone().body?.getReader();
  const json = await withTimeout(MAX_READ_MS, undefined, '', async () => {
    const decoder = new TextDecoder();
    let text = '';
    for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
      // Letters that are cut in two don't matter: only a number is read.
      text += decoder.decode(part.value);
      if (text.length > MAX_READ_LENGTH) break;
    }
    return JSON.parse(text);
  }).catch(() => undefined);
  // not awaited: it resolves once the response itself is cancelled, too
  reader?.cancel().catch(() => undefined);
  return json;
}
