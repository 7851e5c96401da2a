// @vitest-environment node
// What the broker can do and `serve` only passes on: each setting reaches it.
import { describe, expect, it, vi } from 'vitest';
import { anyRedis, connect, hasRedis } from '../redis/redisServer.ts';
import { ask, testServers } from './serving.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { serve } = testServers();

const post = (url: string, body: object): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

const cookieOf = (response: Response): string =>
  response.headers.getSetCookie()[0]?.replace(/;.*/s, '') ?? '';

const statusesOf = async (url: string, count: number, headers = {}): Promise<number[]> => {
  const statuses: number[] = [];
  for (let request = 0; request < count; request++) {
    statuses.push((await ask(url, headers)).status);
  }
  return statuses;
};

describe('guest-token-broker serve', () => {
  it('issues tokens of its own channel and of those listed, and of no other', async () => {
    const { url } = await serve({ GUEST_TOKEN_ALLOWED_CHANNELS: 'sales, support' });
    const own = await post(url, { channelId: 'webchat-default' });
    expect(own.status).toBe(200);
    const other = await post(url, { channelId: 'invented' });
    expect(await other.json()).toMatchObject({ status: 400, reason: 'channel_not_allowed' });
    // allowed here; this sandbox has only the one channel
    const listed = await post(url, { channelId: 'support' });
    expect(await listed.json()).not.toMatchObject({ reason: 'channel_not_allowed' });
  });

  it('sets SameSite of the cookie, so that a page of another site keeps its visitor', async () => {
    const { url } = await serve({ GUEST_TOKEN_COOKIE_SAME_SITE: 'None' });
    const { headers } = await ask(url, { 'X-Forwarded-Proto': 'https' });
    expect(headers.getSetCookie()[0]).toMatch(/; SameSite=None; Secure$/);
  });

  it('knows a visitor by a cookie that the old secret has signed, and signs it anew', async () => {
    const [old, next] = [
      'the old secret of the cookies, 32+',
      'the next secret of the cookies, 32+',
    ];
    const before = await serve({ GUEST_TOKEN_COOKIE_SECRET: old });
    const first = await ask(before.url);
    const { external_id: visitor } = await first.json();
    const after = await serve({
      GUEST_TOKEN_COOKIE_SECRET: next,
      GUEST_TOKEN_COOKIE_SECRET_OLD: old,
    });
    const again = await ask(after.url, { Cookie: cookieOf(first) });
    expect(await again.json()).toMatchObject({ external_id: visitor });
    const later = await serve({ GUEST_TOKEN_COOKIE_SECRET: next });
    const last = await ask(later.url, { Cookie: cookieOf(again) });
    expect(await last.json()).toMatchObject({ external_id: visitor });
  });

  it('names a visitor alike in the logs of all processes that have the same key', async () => {
    const secrets = { GUEST_TOKEN_COOKIE_SECRET: 'the secret of the cookies, 32 or more' };
    const key = { GUEST_TOKEN_IDENTITY_KEY: 'the key of the log lines, 32 or more' };
    const identities: string[] = [];
    let cookie = '';
    for (const env of [{ ...secrets, ...key }, { ...secrets, ...key }, secrets]) {
      const { broker, url } = await serve(env);
      const answer = await ask(url, cookie ? { Cookie: cookie } : {});
      cookie ||= cookieOf(answer);
      const [, identity = ''] = await broker.printed(/"type":"issued","identity":"([^"]+)"/);
      identities.push(identity);
    }
    const [one, same, other] = identities;
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  it('limits addresses, visitors and new visitors', async () => {
    const perIp = await serve({ GUEST_TOKEN_PER_IP: '2' });
    expect(await statusesOf(perIp.url, 3)).toEqual([200, 200, 429]);

    const perVisitor = await serve({ GUEST_TOKEN_PER_VISITOR: '2' });
    const cookie = cookieOf(await ask(perVisitor.url));
    expect(await statusesOf(perVisitor.url, 2, { Cookie: cookie })).toEqual([200, 429]);

    const newcomers = await serve({ GUEST_TOKEN_NEW_VISITORS_PER_IP: '2' });
    expect(await statusesOf(newcomers.url, 3)).toEqual([200, 200, 429]);
  });

  it('counts by the address that trusted proxies name', async () => {
    const { url } = await serve({ GUEST_TOKEN_PER_IP: '1', GUEST_TOKEN_TRUSTED_PROXIES: '1' });
    const from = async (address: string): Promise<number> =>
      (await ask(url, { 'X-Forwarded-For': address })).status;
    expect([await from('203.0.113.1'), await from('203.0.113.2')]).toEqual([200, 200]);
    expect(await from('203.0.113.1')).toBe(429);
  });

  it('says once that requests come through a proxy that it is not told of', async () => {
    const { broker, url } = await serve();
    for (let request = 0; request < 3; request++) {
      await ask(url, { 'X-Forwarded-For': '203.0.113.1' });
    }
    await broker.printed(/"event":"request"[\s\S]*"event":"request"[\s\S]*"event":"request"/);
    expect(broker.output.stdout.match(/"event":"proxy-not-trusted"/g)).toHaveLength(1);
  });

  it.skipIf(!hasRedis)('keeps organisations apart in one Redis by their prefix', async () => {
    const redis = await anyRedis();
    const client = await connect(redis.url);
    try {
      const { broker, url } = await serve({
        REDIS_URL: redis.url,
        GUEST_TOKEN_REDIS_PREFIX: 'cli-test:',
      });
      await broker.printed(/"event":"redis","ready":true/);
      expect((await ask(url)).status).toBe(200);
      const own = await client.keys('cli-test:*');
      // the token, and the counts of the limits
      expect(own.filter((key) => /^cli-test:[0-9a-f]{64}$/.test(key))).toHaveLength(1);
      expect(own.length).toBeGreaterThan(1);
      for (const key of own) await client.del(key);
    } finally {
      await client.close();
      await redis.close();
    }
  });
});
