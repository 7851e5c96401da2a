/// <reference types="vite/client" />
// @vitest-environment node
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { anonymousVisitors } from '../../src/server/anonymousVisitors.ts';
import type { BrokerEvent } from '../../src/server/brokerEvents.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { authenticatedWebMessaging } from '../../src/server/issuers/authenticatedWebMessaging.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { authorize, problem, reply } from './shop.ts';

// `npm run fuzz` runs this file with --mode soak, and other cases each time; VITE_SEED=… repeats them.
const soaking = import.meta.env.MODE === 'soak';
const numRuns = soaking ? 4_000 : 300;
const seed = Number(import.meta.env.VITE_SEED ?? (soaking ? Date.now() % 2 ** 31 : 1));

const CLIENT_SECRET = 'client-secret-hunter2';
const COOKIE_SECRET = 'cookie-secret-of-thirty-two-characters';
/** Stands in whatever Genesys says that is none of a visitor's business. */
const MARK = 'upstream-mark';
const BLOG = 'https://blog.example';

beforeEach(() =>
  vi.useFakeTimers({
    toFake: ['Date', 'setTimeout', 'clearTimeout'],
    now: Date.UTC(2026, 2, 1),
  }),
);
afterEach(() => vi.useRealTimers());

/** Header values: what Request itself accepts. */
const headerText = fc
  .oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 20 }))
  .map((text) => text.replaceAll(/[^\x20-\x7e\x80-\xff]/g, '').trim());

const json = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue() },
  fc.constantFrom(null, [], {}, '', 0, { token: '' }, { a: { b: { c: [[[[]]]] } } }),
);

const body = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record(
        {
          channelId: fc.oneof(fc.constantFrom('webchat-default', 'sales', '', '"'), json),
          externalId: fc.oneof(fc.constantFrom('ada', 'bob', 'Ada', ''), json),
          attributes: fc.oneof(fc.dictionary(fc.string(), json), json),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  },
  json.map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => bytes.slice()),
  fc.nat(20_000).map((length) => `{"attributes":{"page":"${'x'.repeat(length)}"}}`),
  fc.nat(8_000).map((depth) => `{"attributes":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`),
  fc.constantFrom(
    '{"__proto__":{"externalId":"bob"}}',
    '{"constructor":1,"toString":2}',
    '\ufeff{}',
  ),
);

const user = fc.constantFrom('ada', 'bob', 'ada"', '😀', null);

/** What a page of ours sends, more or less. */
const polite = fc.record({
  user,
  method: fc.constant('POST'),
  body: fc
    .record(
      {
        channelId: fc.constantFrom('webchat-default', 'sales', '"'),
        attributes: fc.dictionary(fc.string(), json),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
  headers: fc.record(
    {
      'Content-Type': fc.constant('application/json'),
      'Cache-Control': fc.constant('no-cache'),
      Origin: fc.constantFrom('https://shop.example', BLOG),
      'X-Forwarded-For': fc.constantFrom('203.0.113.7', '203.0.113.8'),
    },
    { requiredKeys: ['Content-Type'] },
  ),
});

const hostile = fc.record({
  user,
  method: fc.oneof(
    { weight: 12, arbitrary: fc.constant('POST') },
    fc.constantFrom('GET', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'post', 'M-SEARCH'),
  ),
  body,
  headers: fc.record(
    {
      'Content-Type': fc.oneof(
        { weight: 12, arbitrary: fc.constant('application/json') },
        fc.constantFrom('application/json; charset=utf-16', 'text/plain', ''),
        headerText,
      ),
      'Content-Length': fc.constantFrom('0', '10', '-1', '99999999', 'NaN', '1e9', '0x10', ''),
      Origin: fc.oneof(fc.constantFrom('https://shop.example', BLOG, 'null', ''), headerText),
      Host: fc.oneof(fc.constantFrom('shop.example', ''), headerText),
      'Sec-Fetch-Site': fc.constantFrom('same-origin', 'same-site', 'cross-site', 'none', 'x'),
      'Cache-Control': fc.oneof(fc.constantFrom('no-cache', 'no-store'), headerText),
      Cookie: fc.oneof(
        headerText,
        headerText.map((value) => `guest_visitor=${value}`),
        fc.string().map((sub) => `guest_visitor=${unprintable(fakeGuestToken({ sub }))}`),
      ),
      'X-Forwarded-For': fc.oneof(fc.ipV4(), fc.ipV6(), headerText),
      'X-Forwarded-Proto': headerText,
      'Access-Control-Request-Headers': headerText,
    },
    { requiredKeys: ['Content-Type'] },
  ),
});

const request = fc.oneof(polite, hostile);

const token = fc.oneof(
  fc.record({ iat: fc.oneof(fc.integer(), fc.double()), exp: fc.oneof(fc.integer(), fc.double()) }),
  fc.record({ sub: fc.string(), exp: json }, { requiredKeys: [] }),
);

const upstreamBody = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record(
        {
          id: fc.oneof(fc.constant('visitor-1'), json),
          token: fc.oneof(
            fc.constant(undefined),
            token.map((claims) => fakeGuestToken(plainClaims(claims))),
            json,
          ),
          jwt: token.map((claims) => fakeGuestToken(plainClaims(claims))),
          refreshToken: fc.constant(`refresh-${MARK}`),
          expires_in: fc.oneof(fc.constantFrom(0, -1, 1e308, 0.001, 1e15), json),
          created_time: fc.oneof(fc.constant('2026-03-01T00:00:00Z'), json),
          external_id: fc.oneof(fc.constantFrom('ada', 'bob'), json),
          state: json,
          code: fc.constantFrom('bad.credentials', 'forbidden', MARK, 'misconfigured'),
          contextId: fc.oneof(fc.constant('c0ffee-1'), json),
          retryAfter: json,
          message: fc.constant(MARK),
          [MARK]: json,
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  },
  json.map((value) => JSON.stringify(value)),
  fc.constantFrom(`<html>${MARK}</html>`, '', MARK, '{"id":"1","token":"x', '\ufeff{}'),
  fc.string({ unit: 'binary' }),
  fc.nat(400_000).map((length) => `"${MARK}${'x'.repeat(length)}"`),
);

const upstream = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'good' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reply' as const),
      status: fc.oneof(
        fc.constantFrom(200, 201, 204, 301, 304, 400, 401, 403, 404, 408, 429, 500, 501, 503),
        fc.integer({ min: 200, max: 599 }),
      ),
      headers: fc.record(
        {
          'Retry-After': fc.oneof(
            fc.constantFrom('1', '0', '-1', '999999999', '1e9', 'Thu, 01 Jan 1970 00:00:00 GMT'),
            headerText,
          ),
          Date: headerText,
          'Content-Type': fc.oneof(fc.constantFrom('application/json', 'text/html'), headerText),
          'ININ-Correlation-Id': fc.oneof(fc.constant('c0ffee-2'), headerText),
          'WWW-Authenticate': fc.oneof(fc.constantFrom('Bearer', 'Basic realm="x"'), headerText),
          'Set-Cookie': fc.constant(`session=${MARK}`),
          Location: fc.constant(`https://evil.example/${MARK}`),
        },
        { requiredKeys: [] },
      ),
      body: upstreamBody,
    }),
  },
  fc.record({
    kind: fc.constant('throws' as const),
    thrown: fc.oneof(
      fc.constant(new TypeError(MARK)),
      fc.constant(new DOMException(MARK, 'AbortError')),
      fc.constant(Object.assign(new Error(MARK), { status: 429, headers: { MARK } })),
      json,
    ),
  }),
  fc.constantFrom({ kind: 'hangs' as const }, { kind: 'breaks off' as const }),
);
type Upstream = typeof upstream extends fc.Arbitrary<infer Value> ? Value : never;

const world = fc.record({
  visitors: fc.constantFrom('signed in', 'anonymous'),
  issuer: fc.constantFrom('webchat', 'messaging'),
  limits: fc.constantFrom(
    undefined,
    { perVisitor: 2, perIp: 2, trustedProxies: 1 },
    { upstream: 30 },
  ),
  steps: fc.array(
    fc.record({
      request,
      login: upstream,
      api: upstream,
      passMs: fc.constantFrom(0, 1, 15_000, 3e6),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});
type World = typeof world extends fc.Arbitrary<infer Value> ? Value : never;

test(`${numRuns} worlds of hostile pages and broken upstreams: a problem document or a good reply, and nothing that is not meant for them`, {
  timeout: 1_200_000,
}, async () => {
  const statuses = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(world, (one) => live(one, statuses)),
    { numRuns, seed, endOnFailure: true },
  );
  const requests = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  // or else all were stopped at the door
  for (const status of ['200', '204', '400', '401', '403', '413', '429', '502', '503', '504']) {
    expect(statuses.get(status) ?? 0, `answers ${status}`).toBeGreaterThan(0);
  }
  if (!soaking) return;
  expect(requests).toBeGreaterThan(10_000);
  const counts = [...statuses].toSorted().map(([status, count]) => `${status}: ${count}`);
  process.stdout.write(
    `worlds: ${numRuns}, requests: ${requests} (seed ${seed})\n${counts.join(', ')}\n`,
  );
});

async function live(
  { visitors, issuer: kind, limits, steps }: World,
  statuses: Map<string, number>,
): Promise<void> {
  const events: BrokerEvent[] = [];
  /** Whose a token is: who it was issued for, and the browser that has got it. */
  const owners = new Map<string, string>();
  const holders = new Map<string, string | null>();
  const cookies = new Map<string | null, string>();
  const secrets = new Set([CLIENT_SECRET, COOKIE_SECRET, MARK]);
  let step: World['steps'][number] | undefined;
  let serial = 0;

  function goodReply(url: string, init: RequestInit | undefined): Response {
    if (url.endsWith('/oauth/token')) {
      const access_token = `access-${serial++}-secret`;
      secrets.add(access_token);
      return Response.json({ access_token, token_type: 'bearer', expires_in: 3600 });
    }
    const { externalId, oauth } = JSON.parse(String(init?.body));
    const guest = fakeGuestToken({ lifeSeconds: 900, jti: serial++ });
    const owner = externalId ?? oauth?.code;
    if (owner !== undefined) owners.set(guest, owner);
    return Response.json({
      ...{ id: 'visitor', token: guest, external_id: externalId },
      ...{ jwt: guest, refreshToken: `refresh-${MARK}` },
    });
  }

  const send: typeof fetch = async (input, init) => {
    const url = String(input);
    const what: Upstream = (url.includes('//login.') ? step?.login : step?.api) ?? { kind: 'good' };
    switch (what.kind) {
      case 'good':
        return goodReply(url, init);
      case 'throws':
        throw what.thrown;
      case 'hangs':
        return new Promise(() => undefined);
      case 'breaks off':
        return new Response(
          new ReadableStream({ start: (controller) => controller.error(new TypeError(MARK)) }),
        );
      default: {
        const isEmpty = [204, 205, 304].includes(what.status);
        return new Response(isEmpty ? null : what.body, what);
      }
    }
  };

  const issuers = {
    webchat: () =>
      webchatVisitors({ clientId: 'client', clientSecret: CLIENT_SECRET, fetch: send }),
    messaging: () =>
      authenticatedWebMessaging({
        deploymentId: 'deployment',
        fetch: send,
        // the code names the visitor, so that the sandbox knows whose token it is
        grant: ({ externalId }) => ({ code: externalId, redirectUri: 'https://shop.example' }),
      }),
  };
  const broker = createGuestTokenBroker({
    issuer: issuers[kind as keyof typeof issuers](),
    authorize:
      visitors === 'anonymous' ? anonymousVisitors({ cookieSecret: COOKIE_SECRET }) : authorize,
    allowedOrigins: [BLOG],
    limits,
    onEvent: (event) => events.push(event),
  });

  for (step of steps) {
    vi.setSystemTime(Date.now() + step.passMs);
    const { user, method, body: text, headers } = step.request;
    const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(method);
    const sent = new Request('https://shop.example/api/guest-token', {
      method,
      headers: {
        Cookie: cookies.get(user) ?? '',
        ...headers,
        ...(user !== null && { 'X-User': encodeURIComponent(user) }),
      },
      body: hasBody ? text : null,
    });
    const response = await whileTimePasses(broker(sent));
    statuses.set(String(response.status), (statuses.get(String(response.status)) ?? 0) + 1);
    const cookie = response.headers.get('Set-Cookie');
    if (cookie) cookies.set(user, cookie.split(';')[0] ?? '');
    const copy = response.clone();
    const shown = JSON.stringify([[...copy.headers], await copy.text(), events]);
    // a page may hear its own words in a preflight, as CORS has it
    if (method !== 'OPTIONS') for (const secret of secrets) expect(shown).not.toContain(secret);
    if (response.status === 204) {
      expect(method).toBe('OPTIONS');
    } else if (response.status === 200) {
      const answer = await reply(response);
      expect(answer.id).toMatch(/\S/);
      expect(answer.token).toMatch(/^[\x21-\x7e]+$/);
      expect(answer.expires_in).toBeGreaterThanOrEqual(0);
      const owner = owners.get(answer.token);
      if (owner !== undefined) {
        if (visitors === 'signed in') expect(owner).toBe(user);
        expect(holders.get(answer.token) ?? user).toBe(user);
        holders.set(answer.token, user);
      }
      expect(events.at(-1)?.type).toMatch(/issued|pooled/);
    } else {
      const { retryAfter } = await problem(response);
      expect(retryAfter ?? '1').toMatch(/^[1-9]\d*$/);
      expect(events.at(-1)?.type).toBe('failed');
    }
  }
  expect(vi.getTimerCount()).toBeLessThanOrEqual(8);
  vi.clearAllTimers();
}

/**
 * Waits for an answer: fake time passes, and between its steps there is room for real work such as
 * hashing, which it does not speed up. A broker that hangs does so for a day of fake time.
 */
async function whileTimePasses(answer: Promise<Response>): Promise<Response> {
  let isThere = false;
  const noticed = answer.finally(() => {
    isThere = true;
  });
  noticed.catch(() => undefined);
  const giveUpAt = process.hrtime.bigint() + 20_000_000_000n;
  for (let turn = 1; !isThere; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 40 === 0) vi.advanceTimersByTime(500);
    if (process.hrtime.bigint() > giveUpAt) throw new Error('The broker does not answer.');
  }
  return noticed;
}

/** `undefined` and what JSON can't hold become null, as a server would write it. */
function plainClaims(claims: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(claims));
}

function unprintable(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]/g, '');
}
