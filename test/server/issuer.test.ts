// @vitest-environment node
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import type { GuestTokenIssuer } from '../../src/server/issuers/issuer.ts';
import { ask, authorize, openShop, problem, reply } from './shop.ts';

afterEach(() => vi.useRealTimers());

describe('an issuer of your own', () => {
  it('is twenty lines: issue, refresh and revoke', async () => {
    const mint = (externalId: string, life: number): string => `${externalId}-${life}`;
    let serial = 0;
    const log: string[] = [];

    const issuer: GuestTokenIssuer = {
      async issue({ externalId, channelId, attributes }) {
        log.push(`issue ${externalId} ${channelId} ${JSON.stringify(attributes)}`);
        return {
          id: externalId,
          token: mint(externalId, serial++),
          expires_in: 900,
          refresh_token: 'again',
        };
      },
      async refresh(previous) {
        log.push(`refresh ${previous.refresh_token}`);
        return { id: previous.id, token: mint(previous.id, serial++), expires_in: 900 };
      },
      async revoke(previous) {
        log.push(`revoke ${previous.token}`);
      },
    };

    vi.useFakeTimers({ toFake: ['Date'] });
    const broker = createGuestTokenBroker({ issuer, authorize });
    expect(await reply(broker(ask({ body: { attributes: { a: 1 } } })))).toEqual({
      id: 'ada',
      token: 'ada-0',
      expires_in: expect.closeTo(900, 0),
    });
    for (const token of ['ada-1', 'ada-2']) {
      vi.setSystemTime(Date.now() + 900_000);
      expect((await reply(broker(ask()))).token).toBe(token);
    }
    await broker.signOut({ externalId: 'ada' });
    expect(log).toEqual([
      'issue ada webchat-default {"a":1}',
      'refresh again',
      'refresh again',
      'revoke ada-2',
    ]);
  });

  it.each([
    [new Response('MARK', { status: 429, headers: { 'Retry-After': '9' } }), 429, 'rate_limited'],
    [Object.assign(new Error('MARK'), { status: 403 }), 403, 'forbidden'],
    [new TypeError('fetch failed'), 502, 'unreachable'],
    [new TypeError('MARK'), 503, 'unavailable'],
    [new DOMException('MARK', 'AbortError'), 503, 'unavailable'],
    [new Error('MARK'), 503, 'unavailable'],
    [null, 503, 'unavailable'],
  ])('may throw what a source may throw: %s', async (thrown, status, code) => {
    const issuer = { issue: () => Promise.reject(thrown) };
    const refused = await problem(openShop({ issuer }).broker(ask()));
    expect(refused).toMatchObject({ status, code, retryAfter: status === 429 ? '9' : null });
    expect(JSON.stringify(refused)).not.toContain('MARK');
  });

  it.each([undefined, null, 7, 'token', [], {}, { id: '1' }, { token: 't' }])(
    'one that yields %j is answered by a problem',
    async (token) => {
      const issuer = { issue: async () => token as never };
      expect(await problem(openShop({ issuer }).broker(ask()))).toMatchObject({
        status: 502,
        code: 'malformed_reply',
      });
    },
  );

  it('may name the channel of requests that name none', async () => {
    const channels: string[] = [];
    const issuer: GuestTokenIssuer = {
      channelId: 'sales',
      async issue({ externalId, channelId }) {
        channels.push(channelId);
        return { id: externalId, token: 't', expires_in: 900 };
      },
    };
    const { broker } = openShop({ issuer });
    await reply(broker(ask()));
    await reply(broker(ask({ body: { channelId: 'sales' } })));
    expect(channels).toEqual(['sales']);
  });

  it.each([
    [{}, 'issuer'],
    [{ issuer: {} }, 'issuer'],
    [{ issuer: { issue: async () => ({ id: '1', token: 't' }) } }, 'authorize'],
  ])('what is missing is named at construction: %j', (options, named) => {
    expect(() => createGuestTokenBroker(options as never)).toThrow(`Option "${named}"`);
  });
});
