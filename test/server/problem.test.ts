// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GuestTokenError } from '../../src/core/errors.ts';
import type { GuestTokenIssuer } from '../../src/server/issuers/issuer.ts';
import type { BrokerLimits } from '../../src/server/limits/brokerLimits.ts';
import { type Ask, ask, openShop, problem } from './shop.ts';

describe('a problem document', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 2, 1) }));
  afterEach(() => vi.useRealTimers());

  it('is what RFC 9457 says, with our code and hint', async () => {
    const { broker } = openShop();
    const response = await broker(ask({ user: null }));
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      type: 'urn:react-guest-token:unauthorized',
      title: 'Unauthorized',
      status: 401,
      detail: 'Nobody is signed in.',
      code: 'unauthorized',
      reason: 'signed_out',
      hint: expect.stringContaining('Sign in'),
    });
  });

  it.each<[reason: string, request: Ask]>([
    ['signed_out', { user: null }],
    ['other_visitor', { body: { externalId: 'bob' } }],
    ['wrong_method', { method: 'GET' }],
    ['not_json', { headers: { 'Content-Type': 'text/plain' } }],
    ['not_json', { body: '{' }],
    ['invalid_field', { body: '{"channelId":7}' }],
    ['body_too_long', { body: ' '.repeat(20_000) }],
    [
      'foreign_origin',
      { headers: { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://a.example' } },
    ],
  ])('says %s as the reason of the refusal, and so does the event', async (reason, request) => {
    const { broker, events } = openShop();
    expect(await problem(broker(ask(request)))).toMatchObject({ reason });
    expect(events).toMatchObject([{ type: 'failed', reason }]);
  });

  it.each<[reason: string, limits: BrokerLimits]>([
    ['visitor_limit', { perVisitor: 1 }],
    ['address_limit', { perIp: 1, trustedProxies: 1 }],
    ['upstream_limit', { upstream: 1, maxWaitMs: 0 }],
  ])('says %s as the reason where a limit refuses', async (reason, limits) => {
    const { broker, events } = openShop({ limits });
    const headers = { 'X-Forwarded-For': '203.0.113.7', 'Cache-Control': 'no-cache' };
    await broker(ask({ headers }));
    expect(await problem(broker(ask({ headers })))).toMatchObject({ status: 429, reason });
    expect(events.at(-1)).toMatchObject({ type: 'failed', reason });
  });

  it('of a foreign origin is logged with that origin, and with no other text of the request', async () => {
    const { broker, events } = openShop();
    for (const origin of ['https://a.example', 'hunter2 is no origin']) {
      const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: origin };
      await problem(broker(ask({ headers })));
    }
    expect(events).toMatchObject([{ origin: 'https://a.example' }, { origin: undefined }]);
    expect(JSON.stringify(events)).not.toContain('hunter2');
  });

  it('has no reason that is no slug, whatever an issuer throws', async () => {
    const seen: unknown[] = [];
    for (const reason of ['quota_used_up', 'Hunter 2', 'x'.repeat(41), '']) {
      const issuer: GuestTokenIssuer = {
        issue: () => Promise.reject(new GuestTokenError('rejected', 'No.', { reason })),
      };
      seen.push((await problem(openShop({ issuer }).broker(ask()))).reason);
    }
    expect(seen).toEqual(['quota_used_up', undefined, undefined, undefined]);
  });

  it("names Genesys' correlation id, from the body or from its header", async () => {
    const bodies = [
      new Response('{"contextId":"c-1"}', { status: 400 }),
      new Response('<html>', { status: 502, headers: { 'ININ-Correlation-Id': 'c-2' } }),
      new Response('{"contextId":"<script>"}', { status: 400 }),
      new Response('{"contextId":7}', { status: 400 }),
    ];
    const seen = [];
    for (const [index, answer] of bodies.entries()) {
      const { broker, events } = openShop({}, {}, withVisitorReply(answer));
      seen.push((await problem(broker(ask({ user: `u${index}` })))).contextId);
      expect(events.at(-1)).toMatchObject({ type: 'failed', contextId: seen.at(-1) });
    }
    expect(seen).toEqual(['c-1', 'c-2', undefined, undefined]);
  });

  it.each([
    [400, {}, 502, 'rejected'],
    [401, { code: 'ip.not.authorized' }, 401, 'unauthorized'],
    [403, {}, 403, 'forbidden'],
    [404, {}, 502, 'rejected'],
    [408, {}, 504, 'timed_out'],
    [429, {}, 429, 'rate_limited'],
    [500, {}, 503, 'unavailable'],
    [501, {}, 503, 'unavailable'],
    [503, {}, 503, 'unavailable'],
    // a reply that is none of a visitor call
    [302, {}, 502, 'rejected'],
    [200, { id: '', token: 'x' }, 502, 'malformed_reply'],
    [200, { id: '1', token: 'line\nbreak', expires_in: 60 }, 502, 'malformed_reply'],
    [200, { id: '1', token: 'opaque' }, 502, 'unknown_expiry'],
    [200, { id: '1', token: 'opaque', expires_in: -1 }, 502, 'no_progress'],
    [200, { id: '1', token: 'o', expires_in: 60, external_id: 'eve' }, 502, 'identity_mismatch'],
    // Genesys' codes are not ours
    [400, { code: 'forbidden' }, 502, 'rejected'],
  ])('Genesys answering %i %j becomes %i %s', async (upstream, body, status, code) => {
    const answer = new Response(JSON.stringify(body), { status: upstream });
    const { broker } = openShop({}, {}, withVisitorReply(answer));
    expect(await problem(broker(ask()))).toMatchObject({ status, code });
  });

  it.each([
    ['seconds', '42'],
    ['http-date', '42'],
    ['body', '42'],
    ['none', null],
    ['junk', null],
  ] as const)('an upstream 429 keeps its Retry-After: %s', async (retryAfter, expected) => {
    const { broker, sandbox } = openShop();
    sandbox.fault('visitor', { kind: 'rate-limited', seconds: 42, retryAfter });
    expect((await problem(broker(ask()))).retryAfter).toBe(expected);
  });

  it('a 429 of the login keeps it, too', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('login', { kind: 'rate-limited', seconds: 7 });
    expect(await problem(broker(ask()))).toMatchObject({ status: 429, retryAfter: '7' });
  });

  it('hints at what to fix: client, role and scope', async () => {
    const { broker, sandbox } = openShop();
    sandbox.fault('visitor', 'forbidden', { times: 1 });
    expect((await problem(broker(ask()))).hint).toMatch(/role.*webchat:visitor:create/);
    sandbox.fault('visitor', { kind: 'unauthorized', code: 'ip.not.authorized' }, { times: 1 });
    expect((await problem(broker(ask({ user: 'bob' })))).hint).toContain('GENESYS_CLIENT_SECRET');
  });
});

/** Genesys, with another answer to the visitor call. */
function withVisitorReply(answer: Response): NonNullable<Parameters<typeof openShop>[2]> {
  return (sandbox) => async (input, init) =>
    String(input).endsWith('/visitors') ? answer.clone() : sandbox.fetch(input, init);
}
