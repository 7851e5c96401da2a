import { AsyncLocalStorage } from 'node:async_hooks';

/** What a request carries through the process: into log lines, and to the calls made for it. */
export interface RequestContext {
  readonly id: string;
  /** The headers of W3C Trace Context, for the calls to Genesys. */
  readonly trace: Readonly<Record<string, string>>;
}

const contexts = new AsyncLocalStorage<RequestContext>();

/** The request that the running code works for. */
export function currentRequest(): RequestContext | undefined {
  return contexts.getStore();
}

export function runForRequest<Result>(context: RequestContext, work: () => Result): Result {
  return contexts.run(context, work);
}

/** The id of whoever is in front, where it can stand in a log line and a header; else a new one. */
export function readContext(headers: Headers): RequestContext {
  const given = headers.get('X-Request-Id') ?? '';
  return {
    id: /^[\w.:+/=@-]{1,128}$/.test(given) ? given : crypto.randomUUID(),
    trace: traceOf(headers),
  };
}

function traceOf(headers: Headers): Record<string, string> {
  const traceparent = headers.get('traceparent') ?? '';
  if (!/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(traceparent)) return {};
  const tracestate = headers.get('tracestate') ?? '';
  return /^[\x20-\x7e]{1,512}$/.test(tracestate) ? { traceparent, tracestate } : { traceparent };
}

/** `fetch` with the trace of the request that it is called for. */
export const fetchWithTrace: typeof fetch = (input, init) => {
  const trace = Object.entries(currentRequest()?.trace ?? {});
  if (trace.length === 0) return fetch(input, init);
  const headers = new Headers(init?.headers);
  for (const [name, value] of trace) headers.set(name, value);
  return fetch(input, { ...init, headers });
};
