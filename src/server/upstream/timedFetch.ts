/** One call to Genesys, for counts and timings. */
export interface UpstreamCall {
  /** What was asked for. */
  readonly operation: 'login' | 'visitor' | 'exchange' | 'refresh' | 'revoke';
  /** The HTTP status; undefined where no answer came. */
  readonly status: number | undefined;
  /** Ms until the answer began, or the call failed. */
  readonly tookMs: number;
}

export type OnUpstreamCall = (call: UpstreamCall) => void;

/** `send`, or the global `fetch` where there is none; tells of each call when it is over. */
export function timedFetch(
  send: typeof fetch | undefined,
  operation: UpstreamCall['operation'],
  onCall: OnUpstreamCall | undefined,
): typeof fetch {
  return async (input, init) => {
    const startedAtMs = performance.now();
    let status: number | undefined;
    try {
      const response = await (send ?? globalThis.fetch)(input, init);
      status = response.status;
      return response;
    } finally {
      onCall?.({ operation, status, tookMs: Math.round(performance.now() - startedAtMs) });
    }
  };
}
