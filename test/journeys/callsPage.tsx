// A widget that calls an API with the token of whoever is there, as these tests see it.
import { render } from '@testing-library/react';
import { vi } from 'vitest';
import {
  type GuestTokenEvent,
  GuestTokenProvider,
  useGuestFetch,
  useGuestToken,
} from '../../src/index.ts';
import type { FakeSource } from '../react/page.tsx';

interface Sending {
  readonly call: string;
  readonly token: string;
  readonly status: number;
  /** Who was on the page when it left. */
  readonly visitor: string | null;
}

type View = ReturnType<typeof useGuestToken>;

/** A page with a provider, and an API on its own origin that writes down every request. */
export function openPage(source: FakeSource) {
  const sendings: Sending[] = [];
  const events: GuestTokenEvent[] = [];
  let visitor: string | null = null;
  let origins: readonly string[] = [];
  let guestFetch: typeof fetch = fetch;
  let view: View | undefined;
  const api = {
    /** What the API answers. */
    answer: (_token: string, _call: string): number => 200,
    /** Ms until it does. */
    delayMs: 0,
  };
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const token = request.headers.get('Authorization')?.replace('Bearer ', '') ?? '';
    const call = request.headers.get('X-Call') ?? '';
    const status = api.answer(token, call);
    sendings.push({ call, token, status, visitor });
    await new Promise<void>((resolve, reject) => {
      setTimeout(resolve, api.delayMs);
      request.signal.addEventListener('abort', () => reject(request.signal.reason));
    });
    return new Response(null, { status });
  });

  function Widget() {
    guestFetch = useGuestFetch();
    view = { ...useGuestToken() };
    return <p>{view.token ?? 'none'}</p>;
  }
  const page = (externalId: string | null) => (
    <GuestTokenProvider
      externalId={externalId}
      source={source}
      origins={origins}
      onEvent={(event) => events.push(event)}
    >
      <Widget />
    </GuestTokenProvider>
  );
  const { rerender, container } = render(page(null));
  let serial = 0;
  return {
    api,
    sendings,
    events,
    source,
    /** What the widget shows. */
    get shown() {
      return container.textContent;
    },
    get view() {
      if (!view) throw new Error('The widget was not rendered.');
      return view;
    },
    enter(externalId: string | null) {
      visitor = externalId;
      rerender(page(externalId));
    },
    allow(more: readonly string[]) {
      origins = more;
      rerender(page(visitor));
    },
    get guestFetch() {
      return guestFetch;
    },
    call(signal?: AbortSignal): Call {
      const headers = { 'X-Call': String(++serial) };
      const ended: Call = { name: String(serial), visitor, outcome: undefined };
      const init = { method: 'POST', headers, ...(signal && { signal }) };
      guestFetch('/api/messages', init).then(
        ({ status }) => {
          ended.outcome = status;
        },
        (error: unknown) => {
          ended.outcome =
            error instanceof Error ? ('code' in error ? error.code : error.name) : error;
        },
      );
      return ended;
    },
  };
}

export interface Call {
  readonly name: string;
  /** Who was on the page when it began. */
  readonly visitor: string | null;
  outcome: unknown;
}
