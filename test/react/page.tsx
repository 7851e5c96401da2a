// A page with a widget on it, as the tests see it: the source that is asked, the screen, the clock.
import { render } from '@testing-library/react';
import type { ComponentType, ReactNode } from 'react';
import { afterEach, beforeEach, vi } from 'vitest';
import type {
  GuestTokenEvent,
  GuestTokenProviderProps,
  GuestTokenReply,
  GuestTokenRequest,
  GuestTokenSource,
  GuestTokenView,
} from '../../src/index.ts';
import * as ownCopy from '../../src/index.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { goOffline, goOnline, hidePage, resetPage, showPage } from '../../src/testing/fakePage.ts';
import { passTime, settle } from '../../src/testing/fakeTime.ts';
import { withFakeClocks } from '../fakeClocks.ts';
import { allowConsole } from '../strays.ts';

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

/** What development prints for a failed acquisition; in most tests nobody minds it. */
export const failedAcquisition = /^react-guest-token: .*https:\/\//s;

/** Fake time in every test of the file, and no jitter. */
export function withFakeTime(): void {
  withFakeClocks();
  beforeEach(() => allowConsole(failedAcquisition));
  afterEach(() => resetPage()); // before time is real again
}

/** Lets time pass, with all that follows from it. */
export const pass = (ms = 0): Promise<void> => passTime(ms);

/** Something happens to the page, with all that follows from it at once. */
export const happen = (event: string, target: EventTarget = window): Promise<void> =>
  settle(() => {
    target.dispatchEvent(new Event(event, { bubbles: true }));
  });

export const setVisible = (visible: boolean): Promise<void> => (visible ? showPage() : hidePage());

export const setOnline = (online: boolean): Promise<void> => (online ? goOnline() : goOffline());

export { focusPage as focusWindow } from '../../src/testing/fakePage.ts';
export { sleepMachine } from '../../src/testing/fakeTime.ts';

/** Counts the listeners that are added to the page from now on and not yet removed. */
export function watchListeners(): { readonly count: number } {
  const live = new Set<string>();
  const ids = new Map<unknown, number>();
  const idOf = (listener: unknown): number => {
    ids.set(listener, ids.get(listener) ?? ids.size);
    return ids.get(listener) ?? 0;
  };
  for (const target of [window, document]) {
    const { addEventListener: add, removeEventListener: remove } = target;
    vi.spyOn(target, 'addEventListener').mockImplementation((type, listener, options) => {
      const id = `${type} ${idOf(listener)}`;
      // React's own, added once for the document and never removed
      if (type !== 'selectionchange') live.add(id);
      const { signal } = Object(options);
      signal?.addEventListener('abort', () => live.delete(id));
      add.call(target, type, listener, options);
    });
    vi.spyOn(target, 'removeEventListener').mockImplementation((type, listener, options) => {
      live.delete(`${type} ${idOf(listener)}`);
      remove.call(target, type, listener, options);
    });
  }
  return {
    get count() {
      return live.size;
    },
  };
}

type Answer = (
  request: GuestTokenRequest,
  signal: AbortSignal,
) => GuestTokenReply | Promise<GuestTokenReply>;

export interface FakeSource extends GuestTokenSource {
  /** What was asked, in order. */
  readonly requests: GuestTokenRequest[];
  readonly signals: AbortSignal[];
  /** When each request came: epoch ms. */
  readonly askedAtMs: number[];
  /** Changes what is answered from now on. */
  answer: Answer;
}

/** A source that issues token after token unless it is told otherwise. */
export function fakeSource(answer: Answer = issuing()): FakeSource {
  const source: FakeSource = Object.assign(
    async (request: GuestTokenRequest, { signal }: { signal: AbortSignal }) => {
      source.requests.push(request);
      source.signals.push(signal);
      source.askedAtMs.push(Date.now());
      return await source.answer(request, signal);
    },
    { requests: [], signals: [], askedAtMs: [], answer },
  );
  return source;
}

let serial = 0;

/** One more token, with `expires_in` as our broker adds it. */
export function reply(lifeMs = HOUR, externalId = 'visitor'): GuestTokenReply {
  const life = lifeMs / SECOND;
  const token = fakeGuestToken({ sub: externalId, lifeSeconds: life, jti: ++serial });
  return { id: 'guest-1', token, expires_in: life };
}

/** Issues tokens of a life, each after `delayMs`. */
export function issuing(lifeMs = HOUR, delayMs = 0): Answer {
  return async ({ externalId }, signal) => {
    if (delayMs > 0) await wait(delayMs, signal);
    return reply(lifeMs, externalId);
  };
}

/** Answers with an HTTP status. */
export function status(code: number, headers?: HeadersInit): Answer {
  return () => {
    throw new Response(null, { status: code, headers: headers ?? {} });
  };
}

/** Never answers, and does not heed the signal. */
export const never: Answer = () => new Promise(() => undefined);

/** The network is down. */
export const down: Answer = () => {
  throw new TypeError('Failed to fetch');
};

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** The token's payload says who it is for and which one it is. */
export function claims(token: string | undefined): { sub: string; jti: number } {
  return JSON.parse(atob(token?.split('.')[1] ?? 'bnVsbA=='));
}

/** A copy of the package: a page or a tab of its own has one of its own. */
export type Library = typeof ownCopy;

/** One more copy of the package, which shares nothing with the others but the browser. */
export async function anotherCopy(): Promise<Library> {
  vi.resetModules();
  return await import('../../src/index.ts');
}

/** What a component of the widget got, render by render. */
export class Probe {
  readonly #library: Library;
  renders = 0;
  /** The token of each render. */
  readonly tokens: (string | undefined)[] = [];
  view!: GuestTokenView;
  fetch!: typeof fetch;

  constructor(library: Library = ownCopy) {
    this.#library = library;
  }

  /** The component: `<probe.Widget />`. It shows status and token. */
  readonly Widget = ({ label = 'widget' }: { label?: string }): ReactNode => {
    // Reads every field, so that it renders again whenever one of them changes.
    const view = { ...this.#library.useGuestToken() };
    this.renders++;
    this.fetch = this.#library.useGuestFetch();
    this.tokens.push(view.token);
    return (
      <>
        <p data-testid={label}>
          {view.status} {view.token ?? 'none'}
        </p>
        <this.Reader />
      </>
    );
  };

  /** Renders with every change, since it reads all there is. */
  readonly Reader = (): ReactNode => {
    this.view = { ...this.#library.useGuestToken() };
    return null;
  };

  get shown(): string {
    return document.body.textContent ?? '';
  }
}

export interface Page {
  readonly probe: Probe;
  readonly events: GuestTokenEvent[];
  /** What the latest render of the widget holds. */
  readonly view: GuestTokenView;
  /** The guest fetch of that render. */
  readonly fetch: typeof fetch;
  update(props: Partial<GuestTokenProviderProps>): void;
  unmount(): void;
}

/** Shows one widget below a provider. */
export function showWidget(
  props: Partial<GuestTokenProviderProps> = {},
  wrapper?: ComponentType<{ children: ReactNode }>,
  library: Library = ownCopy,
): Page {
  const { GuestTokenProvider } = library;
  const probe = new Probe(library);
  const events: GuestTokenEvent[] = [];
  let current: GuestTokenProviderProps = {
    externalId: 'visitor',
    onEvent: (event) => events.push(event),
    children: <probe.Widget />,
    ...props,
  };
  const { rerender, unmount } = render(
    <GuestTokenProvider {...current} />,
    wrapper ? { wrapper } : {},
  );
  return {
    probe,
    events,
    get view() {
      return probe.view;
    },
    get fetch() {
      return probe.fetch;
    },
    update(more) {
      current = { ...current, ...more };
      rerender(<GuestTokenProvider {...current} />);
    },
    unmount,
  };
}

interface Outcome {
  token?: string;
  status?: number;
  code?: string;
}

/** How a promise has ended so far: with a token, with a response's status, or with an error's code. */
export function outcomeOf(promise: Promise<string | Response>): Outcome {
  const outcome: Outcome = {};
  promise.then(
    (value) => {
      if (typeof value === 'string') outcome.token = value;
      else outcome.status = value.status;
    },
    (error: unknown) => {
      outcome.code =
        typeof error === 'object' && error !== null && 'code' in error
          ? String(error.code)
          : String(error);
    },
  );
  return outcome;
}
