// What hostile pages and broken upstreams send.
import fc from 'fast-check';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

/** Stands in whatever Genesys says that is none of a visitor's business. */
export const MARK = 'upstream-mark';
export const BLOG = 'https://blog.example';

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
        headerText.map((value) => `__Host-guest_visitor=${value}`),
        fc.string().map((sub) => `__Host-guest_visitor=${unprintable(fakeGuestToken({ sub }))}`),
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
export type Upstream = typeof upstream extends fc.Arbitrary<infer Value> ? Value : never;

/** A broker, and some requests to it, each with what Genesys does then. */
export const world = fc.record({
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
export type World = typeof world extends fc.Arbitrary<infer Value> ? Value : never;

/** `undefined` and what JSON can't hold become null, as a server would write it. */
function plainClaims(claims: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(claims));
}

function unprintable(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]/g, '');
}
