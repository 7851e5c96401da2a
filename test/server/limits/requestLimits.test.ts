// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { anonymousVisitors } from '../../../src/server/anonymousVisitors.ts';
import { ask, authorize, openShop, problem, reply, type Shop, without } from '../shop.ts';
import { fakeClocks, setClockBack } from './clock.ts';
import { from } from './requests.ts';

beforeEach(() => fakeClocks({ timers: false }));
afterEach(() => {
  vi.useRealTimers();
});

const statusesOf = async ({ broker }: Shop, requests: Request[]): Promise<number[]> => {
  const statuses = [];
  for (const request of requests) statuses.push((await broker(request)).status);
  return statuses;
};

describe('a limit per visitor', () => {
  it('tells the visitor who asks too often when to come back, and lets the others through', async () => {
    const { broker, events } = openShop({ limits: { perVisitor: 3 } });
    for (let time = 0; time < 3; time++) await reply(broker(ask()));
    vi.advanceTimersByTime(20_000);
    const refused = await problem(broker(ask()));
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited', retryAfter: '40' });
    await reply(broker(ask({ user: 'bob' })));
    expect(events.slice(-3)).toEqual([
      { type: 'limited', limit: 'visitor', retryAtMs: Date.now() + 40_000 },
      expect.objectContaining({ type: 'failed', code: 'rate_limited', status: 429 }),
      expect.objectContaining({ type: 'issued' }),
    ]);
    vi.advanceTimersByTime(40_000);
    await reply(broker(ask()));
  });

  it('does not count a request in another visitor’s name', async () => {
    const { broker } = openShop({ limits: { perVisitor: 1 } });
    await problem(broker(ask({ body: { externalId: 'bob' } })));
    await reply(broker(ask()));
  });
});

describe('a limit per address', () => {
  it('counts all visitors of one address together', async () => {
    const shop = openShop({ limits: { perIp: 2 } });
    const users = ['a', 'b', 'c'].map((user) => from('203.0.113.7', { user }));
    expect(await statusesOf(shop, users)).toEqual([200, 200, 429]);
    expect(await statusesOf(shop, [from('203.0.113.8')])).toEqual([200]);
    expect(shop.events).toContainEqual(expect.objectContaining({ type: 'limited', limit: 'ip' }));
  });

  it('does not limit a request without an address, and tells operators once', async () => {
    const shop = openShop({ limits: { perIp: 2 } });
    expect(await statusesOf(shop, [ask(), ask(), ask()])).toEqual([200, 200, 200]);
    expect(shop.count('address-unknown')).toBe(1);
  });

  it('counts requests that are refused for whatever reason', async () => {
    const address = '203.0.113.7';
    const refused = [
      from(address, { user: null }),
      from(address, { body: '{' }),
      from(address, { body: { externalId: 'bob' } }),
      from(address, { method: 'GET' }),
      from(address, { headers: { 'Sec-Fetch-Site': 'cross-site' } }),
      without(from(address), 'Content-Type'),
    ];
    const shop = openShop({ limits: { perIp: refused.length } });
    expect(await statusesOf(shop, refused)).toEqual([401, 400, 403, 405, 403, 415]);
    expect(await statusesOf(shop, [from(address)])).toEqual([429]);
  });

  it('refuses before it reads the body or asks who the visitor is', async () => {
    const asked = vi.fn(authorize);
    const shop = openShop({ limits: { perIp: 1 }, authorize: asked });
    await reply(shop.broker(from('203.0.113.7')));
    const endless = new ReadableStream<Uint8Array>();
    const request = from('203.0.113.7', { body: endless });
    expect(await problem(shop.broker(request))).toMatchObject({ status: 429 });
    expect(request.bodyUsed).toBe(false);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('lets a page of an allowed origin read when to come back', async () => {
    const origin = 'https://www.example';
    const shop = openShop({ limits: { perIp: 1 }, allowedOrigins: [origin] });
    const headers = { Origin: origin, 'Sec-Fetch-Site': 'cross-site' };
    await shop.broker(from('203.0.113.7', { headers }));
    const refused = await shop.broker(from('203.0.113.7', { headers }));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBe(origin);
    expect(refused.headers.get('Access-Control-Expose-Headers')).toContain('Retry-After');
  });

  it('counts no preflight', async () => {
    const shop = openShop({ limits: { perIp: 1 } });
    const preflight = from('203.0.113.7', { method: 'OPTIONS' });
    expect(await statusesOf(shop, [preflight, from('203.0.113.7')])).toEqual([204, 200]);
  });
});

describe('a limit for new visitors of an address', () => {
  const anonymous = anonymousVisitors({ cookieSecret: 'a long and secret text, 32+ bytes' });
  const newFrom = (address: string | undefined): Request => from(address, { user: null });
  const cookieOf = (response: Response): string =>
    response.headers.get('Set-Cookie')?.replace(/;.*/s, '') ?? '';

  it('is 100 a minute by default', async () => {
    const shop = openShop({ authorize: anonymous });
    const requests = Array.from({ length: 101 }, () => newFrom('203.0.113.7'));
    const statuses = await statusesOf(shop, requests);
    expect(statuses.slice(0, 100)).toEqual(Array(100).fill(200));
    expect(statuses.at(-1)).toBe(429);
    expect(await statusesOf(shop, [newFrom('203.0.113.8')])).toEqual([200]);
    const event = { type: 'limited', limit: 'new-visitors' };
    expect(shop.events).toContainEqual(expect.objectContaining(event));
  });

  it('lets known visitors through', async () => {
    const shop = openShop({ authorize: anonymous, limits: { newVisitorsPerIp: 1 } });
    const Cookie = cookieOf(await shop.broker(newFrom('203.0.113.7')));
    const known = (): Request => from('203.0.113.7', { user: null, headers: { Cookie } });
    expect(await statusesOf(shop, [newFrom('203.0.113.7'), known(), known()])).toEqual([
      429, 200, 200,
    ]);
  });

  it('counts a visitor whose cookie is forged', async () => {
    const shop = openShop({ authorize: anonymous, limits: { newVisitorsPerIp: 1 } });
    const forged = [1, 2].map((time) =>
      from('203.0.113.7', {
        user: null,
        headers: { Cookie: `__Host-guest_visitor=forged${time}` },
      }),
    );
    expect(await statusesOf(shop, forged)).toEqual([200, 429]);
  });

  it('gives no cookie to whom it refuses, so that nobody comes back as a known visitor', async () => {
    const shop = openShop({ authorize: anonymous, limits: { newVisitorsPerIp: 1 } });
    await shop.broker(newFrom('203.0.113.7'));
    const refused = await shop.broker(newFrom('203.0.113.7'));
    expect(refused.status).toBe(429);
    expect(refused.headers.has('Set-Cookie')).toBe(false);
  });

  it('can be switched off, and does not count visitors that the site knows', async () => {
    const free = { newVisitorsPerIp: Number.POSITIVE_INFINITY, upstream: Number.POSITIVE_INFINITY };
    const requests = (): Request[] => Array.from({ length: 110 }, () => newFrom('203.0.113.7'));
    const open = openShop({ authorize: anonymous, limits: free });
    expect(new Set(await statusesOf(open, requests()))).toEqual(new Set([200]));
    const signedIn = Array.from({ length: 110 }, (_, index) =>
      from('203.0.113.7', { user: `visitor ${index}` }),
    );
    expect(new Set(await statusesOf(openShop(), signedIn))).toEqual(new Set([200]));
  });

  it('tells operators once where the address is not known', async () => {
    const shop = openShop({ authorize: anonymous, limits: { newVisitorsPerIp: 1 } });
    expect(await statusesOf(shop, [newFrom(undefined), newFrom(undefined)])).toEqual([200, 200]);
    expect(shop.count('address-unknown')).toBe(1);
  });
});

describe('a clock that is set back an hour', () => {
  it('keeps nobody out for longer, and lets nobody in early', async () => {
    const limits = { perVisitor: 1, perIp: 2 };
    const shop = openShop({ limits });
    await reply(shop.broker(from('203.0.113.7')));
    vi.advanceTimersByTime(20_000);
    setClockBack(3_600_000);
    const refused = await problem(shop.broker(from('203.0.113.7')));
    expect(refused).toMatchObject({ status: 429, retryAfter: '40' });
    expect(await problem(shop.broker(from('203.0.113.7')))).toMatchObject({ retryAfter: '40' });
    vi.advanceTimersByTime(40_000);
    await reply(shop.broker(from('203.0.113.7')));
  });
});

describe('limits', () => {
  it.each([
    [{ perVisitor: 0 }, 'limits.perVisitor'],
    [{ perVisitor: 1.5 }, 'limits.perVisitor'],
    [{ perIp: -1 }, 'limits.perIp'],
    [{ perIp: Number.NaN }, 'limits.perIp'],
    [{ upstream: 0 }, 'limits.upstream'],
    [{ upstream: -5 }, 'limits.upstream'],
    [{ maxWaitMs: -1 }, 'limits.maxWaitMs'],
    [{ maxWaitMs: Number.NaN }, 'limits.maxWaitMs'],
    [{ trustedProxies: -1 }, 'limits.trustedProxies'],
    [{ trustedProxies: 0.5 }, 'limits.trustedProxies'],
    [{ trustedProxies: ['10.0.0.0/33'] }, 'limits.trustedProxies'],
    [{ trustedProxies: ['10.0.0.0/8', 'proxy.example'] }, 'limits.trustedProxies'],
    [{ trustedProxies: ['10'] }, 'limits.trustedProxies'],
    [{ newVisitorsPerIp: 0 }, 'limits.newVisitorsPerIp'],
    [{ ipv6PrefixLength: 0 }, 'limits.ipv6PrefixLength'],
    [{ ipv6PrefixLength: 129 }, 'limits.ipv6PrefixLength'],
    [{ ipv6PrefixLength: 63.5 }, 'limits.ipv6PrefixLength'],
    [{ redis: {} }, 'limits.redis'],
  ])('%j are refused at construction', (limits, named) => {
    expect(() => openShop({ limits })).toThrow(`Option "${named}"`);
  });
});
