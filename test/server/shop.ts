// A shop with a broker before the sandbox: Request in, Response out.
import { expect } from 'vitest';
import {
  createSandboxCloud,
  type SandboxCloud,
  type SandboxCloudOptions,
} from '../../src/sandbox/sandboxCloud.ts';
import {
  createGuestTokenBroker,
  type GuestTokenBroker,
  type GuestTokenBrokerOptions,
} from '../../src/server/createGuestTokenBroker.ts';
import type { BrokerEvent } from '../../src/server/events.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';

const URL_OF_BROKER = 'https://shop.example/api/guest-token';

export interface Ask {
  /** Who is signed in to the shop; null: nobody. Default `ada`. */
  user?: string | null;
  body?: BodyInit | object | null;
  method?: string;
  headers?: Record<string, string>;
  url?: string;
  signal?: AbortSignal;
}

/** A request as a page of the shop sends it. */
export function ask({ user = 'ada', body = {}, method = 'POST', ...rest }: Ask = {}): Request {
  const isPlain = Object.getPrototypeOf(body ?? '') === Object.prototype;
  return new Request(rest.url ?? URL_OF_BROKER, {
    method,
    body: method === 'POST' ? (isPlain ? JSON.stringify(body) : (body as BodyInit | null)) : null,
    headers: {
      'Content-Type': 'application/json',
      'Sec-Fetch-Site': 'same-origin',
      ...(user !== null && { 'X-User': encodeURIComponent(user) }),
      ...rest.headers,
    },
    signal: rest.signal ?? null,
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  });
}

/** The same request without some of its headers. */
export function without(request: Request, ...names: string[]): Request {
  for (const name of names) request.headers.delete(name);
  return request;
}

/** The shop's own sign-in. */
export async function authorize(request: Request): Promise<{ externalId: string } | null> {
  const user = request.headers.get('X-User');
  return user === null ? null : { externalId: decodeURIComponent(user) };
}

export interface Shop {
  readonly broker: GuestTokenBroker;
  readonly sandbox: SandboxCloud;
  /** What happened to requests. */
  readonly events: BrokerEvent[];
  /** The calls to Genesys, which are events too. */
  readonly calls: BrokerEvent[];
  /** How often an event has happened. */
  count(type: BrokerEvent['type']): number;
}

/** `through` stands between the broker and the sandbox. Calls to Genesys are not paced unless `limits` say so. */
export function openShop(
  options: Partial<GuestTokenBrokerOptions> = {},
  sandboxOptions: SandboxCloudOptions = {},
  through: (sandbox: SandboxCloud) => typeof fetch = (sandbox) => sandbox.fetch,
): Shop {
  const sandbox = createSandboxCloud(sandboxOptions);
  const events: BrokerEvent[] = [];
  const calls: BrokerEvent[] = [];
  const broker = createGuestTokenBroker({
    issuer: webchatVisitors({
      clientId: sandbox.clientId,
      clientSecret: sandbox.clientSecret,
      fetch: through(sandbox),
    }),
    authorize,
    limits: { upstream: Number.POSITIVE_INFINITY },
    onEvent: (event) => (event.type === 'upstream-call' ? calls : events).push(event),
    ...options,
  });
  const count = (type: BrokerEvent['type']): number =>
    events.filter((event) => event.type === type).length;
  return { broker, sandbox, events, calls, count };
}

export interface GoodReply {
  id: string;
  token: string;
  expires_in: number;
  external_id?: string;
  channel_id?: string;
}

/** The reply of a broker that has handed out a token. */
export async function reply(answer: Response | Promise<Response>): Promise<GoodReply> {
  const response = await answer;
  const text = await response.text();
  expect(response.status, text).toBe(200);
  expectCommonHeaders(response);
  return JSON.parse(text);
}

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly reason: string | undefined;
  readonly detail: string;
  readonly hint: string;
  readonly contextId: string | undefined;
  readonly retryAfter: string | null;
}

/** What a broker says that hands out none: a well-formed problem document (RFC 9457). */
export async function problem(answer: Response | Promise<Response>): Promise<Problem> {
  const response = await answer;
  const text = await response.text();
  expect(response.headers.get('Content-Type'), text).toBe('application/problem+json');
  expectCommonHeaders(response);
  const document: Record<string, unknown> = JSON.parse(text);
  const { type, title, status, detail, code, reason, hint, contextId, ...more } = document;
  expect(more).toEqual({});
  expect(status).toBe(response.status);
  expect(type).toBe(`urn:react-guest-token:${code}`);
  for (const part of [title, detail, code, hint]) expect(part).toMatch(/\S/);
  expect(reason ?? 'none').toMatch(/^[a-z_]{1,40}$/);
  expect(contextId ?? 'none').toMatch(/^[\w-]{1,64}$/);
  return {
    status: response.status,
    code: String(code),
    reason: reason === undefined ? undefined : String(reason),
    detail: String(detail),
    hint: String(hint),
    contextId: contextId === undefined ? undefined : String(contextId),
    retryAfter: response.headers.get('Retry-After'),
  };
}

function expectCommonHeaders({ headers }: Response): void {
  expect(headers.get('Cache-Control')).toBe('no-store');
  expect(headers.get('Vary')).toBe('Origin');
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
  expect(Date.parse(headers.get('Date') ?? '')).not.toBeNaN();
}

/** A promise, and what settles it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
