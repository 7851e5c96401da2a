import type { GuestTokenError } from './errors.ts';

// Each check of NODE_ENV stands where a bundler can drop what it guards; a page that no bundler has
// made has no `process`, hence the try.

/** The end of a pause is counted anew each time that it is told. */
const ROUNDING_MS = 100;

const warned = new Set<string>();

function warnOnce(topic: string, message: string): void {
  if (warned.has(topic)) return;
  warned.add(topic);
  console.warn(`react-guest-token: ${message}`);
}

/** A `refresh` in a loop fails for the same reason until then. */
let pauseToldUntilMs = 0;

/** An acquisition has failed. */
export function warnOfFailure({ message, code, reason, retryAtMs }: GuestTokenError): void {
  try {
    if (process.env.NODE_ENV !== 'production') {
      if (code === 'rate_limited' && retryAtMs !== undefined) {
        if (retryAtMs <= pauseToldUntilMs) return;
        pauseToldUntilMs = retryAtMs + ROUNDING_MS;
      }
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

interface Identified {
  readonly store: {
    readonly settings: { readonly externalId: string; readonly channelId: string };
  };
}

/** Changes of a provider's session in quick succession, by the session that they led to. */
const changes = new WeakMap<Identified, { readonly times: number; readonly atMs: number }>();

/** Slower changes may be meant. */
const QUICK_MS = 10_000;

/** A provider shows another session. */
export function warnOfNewSession(before: Identified | null, next: Identified | null): void {
  try {
    if (process.env.NODE_ENV !== 'production') {
      if (!before || !next || before === next) return;
      const [was, is] = [before.store.settings, next.store.settings];
      if (was.externalId !== is.externalId || was.channelId !== is.channelId) return;
      const last = changes.get(before);
      const atMs = Date.now();
      const times = last && atMs - last.atMs < QUICK_MS ? last.times + 1 : 1;
      changes.set(next, { times, atMs });
      if (times < 3) return;
      warnOnce(
        'session',
        'A provider gets a new queryClient, or a source with a new key or URL, again and again, and each costs a request. Make it once, outside the component.',
      );
    }
  } catch {}
}
