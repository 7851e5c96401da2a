// The servers that a widget calls with its token.
import { vi } from 'vitest';
import {
  type FakeSource,
  fakeSource,
  HOUR,
  issuing,
  type Page,
  pass,
  showWidget,
} from './page.tsx';

/** A call that reached a server. */
interface Call {
  readonly url: string;
  readonly method: string;
  readonly body: string;
  /** What came as `Authorization: Bearer …`. */
  readonly token: string | undefined;
}

export interface FakeServer {
  readonly calls: Call[];
  /** Changes what is answered from now on. */
  answer: (call: Call) => Response | Promise<Response>;
}

/** All the servers that the page's `fetch` can reach, until the end of the test. */
export function fakeServer(answer: FakeServer['answer'] = ok): FakeServer {
  const server: FakeServer = { calls: [], answer };
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    // as a browser resolves it
    const target = input instanceof Request ? input : new URL(input, location.href);
    const request = new Request(target, init);
    const { url, method, headers } = request;
    const token = headers.get('Authorization')?.replace('Bearer ', '');
    const call = { url, method, body: await request.text(), token };
    server.calls.push(call);
    return await server.answer(call);
  });
  return server;
}

export const ok = (): Response => new Response('{}');

/** Refuses calls that carry one of `tokens`. */
export function refusing(...tokens: readonly (string | undefined)[]): FakeServer['answer'] {
  return ({ token }) => (tokens.includes(token) ? new Response(null, { status: 401 }) : ok());
}

/** Refuses every call. */
export const refuseAll = (): Response => new Response(null, { status: 403 });

export interface Scene {
  readonly source: FakeSource;
  readonly server: FakeServer;
  readonly page: Page;
  /** The token that the page has at the start. */
  readonly first: string | undefined;
}

/** A page with a token, and a server that takes every call. */
export async function pageWithToken(props: Parameters<typeof showWidget>[0] = {}): Promise<Scene> {
  const server = fakeServer();
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source, ...props });
  await pass();
  return { source, server, page, first: page.view.token };
}
