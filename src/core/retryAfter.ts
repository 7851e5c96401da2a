/**
 * The wait that a server asks for, in ms: `Retry-After` as seconds or HTTP-date (RFC 9110,
 * 10.2.3), else `retryAfter` seconds in the body, as Genesys' socket errors have it. Junk is
 * ignored.
 *
 * @param body the parsed body, where there is one
 */
export function readRetryAfterMs(headers: Headers | undefined, body?: unknown): number | undefined {
  const header = headers?.get('Retry-After')?.trim() ?? '';
  const bySeconds = seconds(header);
  if (bySeconds !== undefined) return bySeconds;
  // Only what looks like an HTTP-date: Date.parse takes "7 apples" and "-1" for dates.
  if (/^[a-z]{3,9}, \d{2}[ -]/i.test(header)) {
    const untilMs = Date.parse(header);
    // by the server's own clock where it tells it: ours may be wrong
    const nowMs = Date.parse(headers?.get('Date') ?? '') || Date.now();
    if (Number.isFinite(untilMs)) return Math.max(0, untilMs - nowMs);
  }
  if (typeof body === 'object' && body !== null && 'retryAfter' in body) {
    return seconds(String(body.retryAfter));
  }
  return undefined;
}

function seconds(text: string): number | undefined {
  return /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
}
