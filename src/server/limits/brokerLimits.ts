import { misconfigured } from '../../core/errors.ts';

/** How many requests and calls are let through. Rates are whole numbers a minute. */
export interface BrokerLimits {
  /** Requests a minute of one visitor. Default: no limit of their own; the pool serves them cheaply. */
  perVisitor?: number | undefined;
  /**
   * Requests a minute from one address, refused ones and those without a visitor included. Default:
   * no limit.
   */
  perIp?: number | undefined;
  /**
   * New visitors a minute from one address: those without a cookie of `anonymousVisitors`, or that
   * your `authorize` calls `isNew`. Each of them costs a call to Genesys. Default 100; `Infinity` for
   * no limit.
   */
  newVisitorsPerIp?: number | undefined;
  /**
   * Leading bits of an IPv6 address that count as one address. Default 64, what a provider gives one
   * household.
   */
  ipv6PrefixLength?: number | undefined;
  /**
   * Your proxies in front of the broker. A number: how many there are; the address is that many
   * places from the end of `X-Forwarded-For`. A list of addresses and CIDRs such as `10.0.0.0/8`: the
   * address is the last one of `X-Forwarded-For` that is none of them, and the header counts only
   * when the request itself comes from one of them.
   *
   * Default 0: the address is the server's own `request.ip`. A request without any address is not
   * limited by it; the event `address-unknown` says so once.
   */
  trustedProxies?: number | readonly string[] | undefined;
  /**
   * Calls to Genesys in any 60 s, over all visitors. Default 300, what Genesys allows an access token;
   * `Infinity` for no limit. No address, or visitor where the address is not known, gets more of them
   * than it leaves free.
   */
  upstream?: number | undefined;
  /** Ms that a call to Genesys may wait for its turn. Default 2,000. */
  maxWaitMs?: number | undefined;
  /** A client of the package `redis`, so that several machines count together. Default: in memory. */
  redis?: object | undefined;
  /** Of the keys in Redis. Default `react-guest-token:`. */
  prefix?: string | undefined;
}

/** @throws GuestTokenError `misconfigured`, naming the limit */
export function assertRate(name: keyof BrokerLimits, perMinute: number): void {
  if (!Number.isInteger(perMinute) || perMinute < 1) {
    throw misconfigured(`limits.${name}`, 'must be a whole number of 1 or more, a minute');
  }
}
