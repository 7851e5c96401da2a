import type { GuestTokenError } from './errors.ts';

// Each check of NODE_ENV stands where a bundler can drop what it guards; a page that no bundler has
// made has no `process`, hence the try.

const warned = new Set<string>();

function warnOnce(topic: string, message: string): void {
  if (warned.has(topic)) return;
  warned.add(topic);
  console.warn(`react-guest-token: ${message}`);
}

/** An acquisition has failed. */
export function warnOfFailure({ message, code, reason }: GuestTokenError): void {
  try {
    if (process.env.NODE_ENV !== 'production') {
      const why = reason ? `${code}, ${reason}` : code;
      const docs = 'https://github.com/react-guest-token/react-guest-token/blob/main/stories/docs';
      console.warn(`react-guest-token: ${message} (${why}) See ${docs}/errors/${code}.mdx`);
    }
  } catch {}
}

/** A call to another origin went without a token. */
export function warnOfOrigin(origin: string, sent: Headers, { status }: Response): void {
  try {
    if (process.env.NODE_ENV !== 'production') {
      const isForeign = origin !== globalThis.origin && !sent.has('Authorization');
      if (!isForeign || status !== 401) return;
      warnOnce(
        origin,
        `A call to ${origin} was answered 401. It carried no token: add the origin to origins.`,
      );
    }
  } catch {}
}

/** A token's life is too short for the buffer that was asked for. */
export function warnOfShortLife(bufferMs: number, wantedMs: number): void {
  try {
    if (process.env.NODE_ENV !== 'production' && bufferMs < wantedMs) {
      warnOnce('life', `expiryBufferMs is cut to ${bufferMs} ms, a fifth of a token's life.`);
    }
  } catch {}
}

interface KeyedSource {
  readonly key?: string;
}

/** Providers of one visitor have source functions that can't be told apart. */
export function warnOfSources(sources: readonly (KeyedSource | undefined)[]): void {
  try {
    if (process.env.NODE_ENV !== 'production') {
      const [first, ...others] = sources.filter((source) => source?.key === undefined);
      if (others.some((source) => source !== first)) {
        warnOnce(
          'sources',
          'Two providers of one visitor have different source functions without a key, and only one is asked. Give each function a key, or both providers one function.',
        );
      }
    }
  } catch {}
}
