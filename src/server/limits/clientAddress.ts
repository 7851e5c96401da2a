import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { misconfigured } from '../../core/errors.ts';
import type { BrokerLimits } from './brokerLimits.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/** Names the network a request comes from; undefined where the server does not know its address. */
export type ClientAddress = (request: Request) => string | undefined;

interface Client {
  readonly address: Address;
  /** The same for all addresses that a provider gives one customer. */
  readonly network: string;
}

/** Undefined for anything that is no address. */
type ReadClient = (text: string | undefined) => Client | undefined;

/** To read an address costs as much as half of what the broker does for a token from the pool. */
const REMEMBERED_ADDRESSES = 10_000;

/** Of an address with a zone, a port and blanks: anything longer is not worth remembering. */
const MAX_LENGTH = 100;

/** @throws GuestTokenError `misconfigured`, naming the limit */
export function createClientAddress(limits: BrokerLimits): ClientAddress {
  const { trustedProxies = 0, ipv6PrefixLength = 64 } = limits;
  if (!Number.isInteger(ipv6PrefixLength) || ipv6PrefixLength < 1 || ipv6PrefixLength > 128) {
    throw misconfigured('limits.ipv6PrefixLength', 'must be a whole number from 1 to 128');
  }
  const clients = new LRUCache<string, { client: Client | undefined }>({
    max: REMEMBERED_ADDRESSES,
    memoMethod(text) {
      const address = parseAddress(text);
      return {
        client: address && { address, network: networkName(address, ipv6PrefixLength) },
      };
    },
  });
  const read: ReadClient = (text = '') =>
    text.length > MAX_LENGTH ? undefined : clients.memo(text).client;
  const find =
    typeof trustedProxies === 'number'
      ? behindProxies(trustedProxies, read)
      : behindNetworks(trustedProxies.map(parseNetwork), read);
  return (request) => find(request)?.network;
}

type FindClient = (request: Request) => Client | undefined;

function behindProxies(count: number, read: ReadClient): FindClient {
  if (!Number.isInteger(count) || count < 0) {
    throw misconfigured('limits.trustedProxies', 'must be a whole number of 0 or more, or a list');
  }
  if (count === 0) return (request) => read(peerOf(request));
  // A request that went around the proxies counts by where it comes from.
  return (request) => read(hopsOf(request).at(-count)) ?? read(peerOf(request));
}

function behindNetworks(networks: readonly Network[], read: ReadClient): FindClient {
  const isTrusted = ({ address }: Client): boolean =>
    networks.some(([network, bits]) => {
      return network.kind() === address.kind() && address.match([network, bits]);
    });
  return (request) => {
    let client = read(peerOf(request));
    for (const hop of hopsOf(request).reverse()) {
      if (!client || !isTrusted(client)) break;
      const before = read(hop);
      if (!before) break;
      client = before;
    }
    return client;
  };
}

/** Where the connection comes from, as srvx and others tell. */
function peerOf(request: Request): string | undefined {
  return 'ip' in request && typeof request.ip === 'string' ? request.ip : undefined;
}

function hopsOf(request: Request): string[] {
  return request.headers.get('X-Forwarded-For')?.split(',') ?? [];
}

/** An IPv4-mapped IPv6 address is the IPv4 address. */
function parseAddress(text: string): Address | undefined {
  const bare = withoutPort(text.trim());
  // Not `ipaddr.isValid`, which takes "1" for 0.0.0.1.
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare);
  return isAddress ? ipaddr.process(bare) : undefined;
}

/** Some proxies add the port, which is a different one for each connection. */
function withoutPort(hop: string): string {
  return hop.replace(/^([\d.]+):\d+$/, '$1').replace(/^\[(.*)\](:\d+)?$/, '$1');
}

function parseNetwork(text: unknown): Network {
  const address = typeof text === 'string' ? parseAddress(text) : undefined;
  if (address) return [address, address.toByteArray().length * 8];
  if (typeof text === 'string' && ipaddr.isValidCIDR(text)) {
    const [network, bits] = ipaddr.parseCIDR(text);
    const isMapped = network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress();
    if (!isMapped) return [network, bits];
    if (bits >= 96) return [network.toIPv4Address(), bits - 96];
  }
  throw misconfigured('limits.trustedProxies', 'must list addresses and CIDRs such as 10.0.0.0/8');
}

function networkName(address: Address, ipv6PrefixLength: number): string {
  if (address.kind() === 'ipv4') return address.toString();
  const network = `${address.toNormalizedString()}/${ipv6PrefixLength}`;
  return ipaddr.IPv6.networkAddressFromCIDR(network).toString();
}
