// @vitest-environment node
import { describe, expect, it } from 'vitest';
import type { BrokerLimits } from '../../../src/server/limits/brokerLimits.ts';
import { openShop } from '../shop.ts';
import { forwarded, from } from './requests.ts';

/** What requests get, one after the other, where one address may ask `perIp` times. */
async function statusesOf(limits: BrokerLimits, requests: Request[]): Promise<number[]> {
  const { broker } = openShop({
    limits: { perIp: 1, upstream: Number.POSITIVE_INFINITY, ...limits },
  });
  const statuses = [];
  for (const request of requests) statuses.push((await broker(request)).status);
  return statuses;
}

const isOneAddress = [200, 429];
const areTwoAddresses = [200, 200];

describe('an address', () => {
  it.each([
    ['203.0.113.7', '::ffff:203.0.113.7'],
    ['203.0.113.7', '::ffff:cb00:7107'],
    ['::ffff:203.0.113.7', '0:0:0:0:0:FFFF:CB00:7107'],
  ])('in IPv4 is the same mapped to IPv6: %s, %s', async (one, other) => {
    expect(await statusesOf({}, [from(one), from(other)])).toEqual(isOneAddress);
  });

  it('in IPv4 counts alone, mapped to IPv6 too', async () => {
    const addresses = ['::ffff:203.0.113.7', '::ffff:203.0.113.8'];
    expect(
      await statusesOf(
        {},
        addresses.map((ip) => from(ip)),
      ),
    ).toEqual(areTwoAddresses);
  });

  it.each([
    ['2001:db8:1:2::7', '2001:db8:1:2:ffff::8'],
    ['fe80::1%eth0', 'fe80::2%eth1'],
  ])('in IPv6 counts with all others of its /64: %s, %s', async (one, other) => {
    expect(await statusesOf({}, [from(one), from(other)])).toEqual(isOneAddress);
  });

  it('in IPv6 of another /64 is another one', async () => {
    const requests = [from('2001:db8:1:2::7'), from('2001:db8:1:3::7')];
    expect(await statusesOf({}, requests)).toEqual(areTwoAddresses);
  });

  it.each([
    [48, '2001:db8:1:2::7', '2001:db8:1:3::7', isOneAddress],
    [56, '2001:db8:1:100::7', '2001:db8:1:1ff::7', isOneAddress],
    [56, '2001:db8:1:100::7', '2001:db8:1:200::7', areTwoAddresses],
    [128, '2001:db8::7', '2001:db8::8', areTwoAddresses],
    [48, '203.0.113.7', '203.0.113.8', areTwoAddresses],
  ])(
    'in IPv6 counts by ipv6PrefixLength %i: %s, %s',
    async (ipv6PrefixLength, one, other, seen) => {
      expect(await statusesOf({ ipv6PrefixLength }, [from(one), from(other)])).toEqual(seen);
    },
  );

  it.each([
    ['203.0.113.7:1111', '203.0.113.7:2222'],
    ['[2001:db8::7]:1111', '[2001:db8::7]:2222'],
    ['[2001:db8::7]', '2001:db8::7'],
  ])('is the same without a port: %s, %s', async (one, other) => {
    const requests = [forwarded(one), forwarded(other)];
    expect(await statusesOf({ trustedProxies: 1 }, requests)).toEqual(isOneAddress);
  });
});

describe('without trusted proxies', () => {
  it('X-Forwarded-For is anybody’s word and counts for nothing', async () => {
    const requests = ['1.1.1.1', '2.2.2.2', '3.3.3.3'].map((hops) => forwarded(hops));
    expect(await statusesOf({ perIp: 2 }, requests)).toEqual([200, 200, 429]);
  });
});

describe('with a number of trusted proxies', () => {
  it('the last hop counts behind one, whatever the visitor put before it', async () => {
    const hops = ['1.1.1.1, 203.0.113.7', '2.2.2.2,203.0.113.7', '203.0.113.7, 198.51.100.1'];
    const requests = hops.map((value) => forwarded(value));
    expect(await statusesOf({ trustedProxies: 1 }, requests)).toEqual([200, 429, 200]);
  });

  it('the last hop but one counts behind two', async () => {
    const hops = ['9.9.9.9, 203.0.113.7, 10.0.0.2', '203.0.113.7, 10.0.0.3'];
    const requests = hops.map((value) => forwarded(value));
    expect(await statusesOf({ trustedProxies: 2 }, requests)).toEqual(isOneAddress);
  });

  it('a request that went around them counts by where it comes from', async () => {
    const address = '203.0.113.9';
    const around = [
      from(address),
      forwarded('1.1.1.1', address),
      forwarded(' , ', address),
      forwarded('unknown, 10.0.0.2', address),
    ];
    expect(await statusesOf({ trustedProxies: 2 }, around)).toEqual([200, 429, 429, 429]);
  });
});

describe('with a list of trusted proxies', () => {
  const trustedProxies = ['10.0.0.0/8', '192.0.2.1', '2001:db8:ffff::/48'];

  it('the last hop that is none of them counts, however many there are', async () => {
    const requests = [
      forwarded('203.0.113.7'),
      forwarded('203.0.113.7, 10.9.9.9'),
      forwarded('1.1.1.1, 203.0.113.7, 192.0.2.1, 10.9.9.9'),
      forwarded('203.0.113.7', '2001:db8:ffff:1::1'),
      forwarded('203.0.113.8, 10.9.9.9'),
    ];
    expect(await statusesOf({ trustedProxies }, requests)).toEqual([200, 429, 429, 429, 200]);
  });

  it('what anybody else forwards counts for nothing', async () => {
    const requests = [
      from('203.0.113.9'),
      forwarded('1.1.1.1', '203.0.113.9'),
      forwarded('1.1.1.1, 10.0.0.1', '192.0.2.2'),
      forwarded('2.2.2.2, 10.0.0.1', '192.0.2.2'),
    ];
    expect(await statusesOf({ trustedProxies }, requests)).toEqual([200, 429, 200, 429]);
  });

  it('a request from within counts by its first hop', async () => {
    const requests = [forwarded('10.1.1.1, 10.9.9.9'), forwarded('10.1.1.1'), from('10.1.1.1')];
    expect(await statusesOf({ trustedProxies }, requests)).toEqual([200, 429, 429]);
  });

  it('a hop that is no address ends the search', async () => {
    const requests = [forwarded('203.0.113.7, unknown'), forwarded('203.0.113.8, _hidden')];
    expect(await statusesOf({ trustedProxies }, requests)).toEqual(isOneAddress);
  });

  it('a proxy is recognised when its IPv4 address is mapped to IPv6, on either side', async () => {
    const requests = [forwarded('203.0.113.7', '::ffff:10.0.0.1'), forwarded('203.0.113.7')];
    expect(await statusesOf({ trustedProxies }, requests)).toEqual(isOneAddress);
    const again = [forwarded('203.0.113.7'), forwarded('203.0.113.7', '10.0.0.2')];
    expect(await statusesOf({ trustedProxies: ['::ffff:10.0.0.0/104'] }, again)).toEqual(
      isOneAddress,
    );
  });
});
