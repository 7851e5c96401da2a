// @vitest-environment node
// Attributes that authorize decides are part of what a token is for; those of the browser are not.
import { describe, expect, it } from 'vitest';
import type { GuestTokenIssuer } from '../../src/server/issuers/issuer.ts';
import { ask, authorize, gate, openShop, reply, type Shop } from './shop.ts';

/** A shop whose visitors have the attributes that `decide` yields at each request. */
function openWith(decide: () => Record<string, unknown>, issuer?: GuestTokenIssuer): Shop {
  return openShop({
    ...(issuer && { issuer }),
    authorize: async () => ({ externalId: 'ada', attributes: decide() }),
  });
}

const tokenOf = async ({ broker }: Shop, body = {}): Promise<string> =>
  (await reply(broker(ask({ body })))).token;

describe('attributes that authorize decides', () => {
  it('with others, a visitor gets another token, and the same token with the same', async () => {
    let tier = 'silver';
    const shop = openWith(() => ({ tier }));
    const silver = await tokenOf(shop);
    expect(await tokenOf(shop)).toBe(silver);
    tier = 'gold';
    const gold = await tokenOf(shop);
    expect(gold).not.toBe(silver);
    expect(await tokenOf(shop)).toBe(gold);
    expect(shop.sandbox.requests.at(-1)?.body).toMatchObject({ attributes: { tier: 'gold' } });
  });

  it('concurrent requests with others do not share a call', async () => {
    const tiers = ['silver', 'gold', 'silver', 'gold'];
    const everybody = gate();
    const shop = openShop(
      {
        async authorize() {
          const tier = tiers.pop();
          if (tiers.length === 0) everybody.open();
          return { externalId: 'ada', attributes: { tier } };
        },
      },
      {},
      (sandbox) =>
        async (...call) => {
          await everybody.opened;
          // more than all of them need to find the call that is under way
          for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
          return sandbox.fetch(...call);
        },
    );
    const tokens = await Promise.all([1, 2, 3, 4].map(() => tokenOf(shop)));
    expect(new Set(tokens).size).toBe(2);
    expect(shop.sandbox.count('visitor')).toBe(2);
  });

  it('their order does not matter, nor that of objects within', async () => {
    const orders = [
      { tier: 'gold', cart: { items: 3, total: 7 } },
      { cart: { total: 7, items: 3 }, tier: 'gold' },
    ];
    const shop = openWith(() => orders.pop() ?? {});
    expect(await tokenOf(shop)).toBe(await tokenOf(shop));
  });

  it('that are gone are others too', async () => {
    const decided: Record<string, unknown>[] = [{}, { tier: 'gold' }];
    const shop = openWith(() => decided.pop() ?? {});
    expect(await tokenOf(shop)).not.toBe(await tokenOf(shop));
  });

  it('with others, a token is issued and not refreshed', async () => {
    let tier = 'silver';
    const issuer: GuestTokenIssuer = {
      issue: async ({ attributes }) => ({
        id: '1',
        token: `issued-${attributes.tier}`,
        expires_in: 900,
        refresh_token: 'r',
      }),
      refresh: async () => ({ id: '1', token: 'refreshed', expires_in: 900 }),
    };
    const shop = openWith(() => ({ tier }), issuer);
    await tokenOf(shop);
    tier = 'gold';
    expect(await tokenOf(shop)).toBe('issued-gold');
  });

  it('make no difference to an issuer that ignores them', async () => {
    let page = 0;
    let issued = 0;
    const issuer: GuestTokenIssuer = {
      ignoresAttributes: true,
      issue: async () => ({ id: '1', token: `t${issued++}`, expires_in: 900 }),
    };
    const shop = openWith(() => ({ page: page++ }), issuer);
    expect([await tokenOf(shop), await tokenOf(shop)]).toEqual(['t0', 't0']);
  });
});

describe('attributes that only the browser sends', () => {
  it('do not fragment the pool, nor calls under way', async () => {
    const asked = gate();
    const shop = openShop({ authorize }, {}, (sandbox) => async (...call) => {
      await asked.opened;
      return sandbox.fetch(...call);
    });
    const first = tokenOf(shop, { attributes: { page: '/' } });
    const second = tokenOf(shop, { attributes: { page: '/pricing' } });
    asked.open();
    const third = await first.then(() => tokenOf(shop, { attributes: { page: '/help' } }));
    expect(new Set([await first, await second, third]).size).toBe(1);
    expect(shop.sandbox.count('visitor')).toBe(1);
  });
});
