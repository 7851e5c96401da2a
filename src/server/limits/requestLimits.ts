import { assertRate, type BrokerLimits } from './brokerLimits.ts';
import { createClientAddress } from './clientAddress.ts';
import { redisScripts } from './redisScripts.ts';
import { memoryCounter, type RequestCounter, redisCounter } from './requestCounter.ts';
import { type Emit, tooMany } from './tooMany.ts';

export interface RequestLimits {
  /** The network that a request comes from, where it is known. */
  addressOf(request: Request): string | undefined;
  /** @throws GuestTokenError `rate_limited` with `retryAtMs` */
  checkAddress(address: string | undefined): Promise<void>;
  /** @throws GuestTokenError `rate_limited` with `retryAtMs` */
  checkVisitor(externalId: string): Promise<void>;
}

/**
 * @param scope names the organisation: another one's requests count apart
 *
 * @throws GuestTokenError `misconfigured`, naming the limit
 */
export function createRequestLimits(
  limits: BrokerLimits,
  emit: Emit,
  scope: string,
): RequestLimits {
  const addressOf = createClientAddress(limits);
  const run = redisScripts(limits);
  let addressUnknown = false;

  function counter(option: 'perVisitor' | 'perIp', name: string): RequestCounter | undefined {
    const perMinute = limits[option];
    if (perMinute === undefined) return undefined;
    assertRate(option, perMinute);
    return run ? redisCounter(name, scope, perMinute, run) : memoryCounter(perMinute);
  }
  const perVisitor = counter('perVisitor', 'visitor');
  const perIp = counter('perIp', 'ip');

  return {
    addressOf,
    async checkAddress(address) {
      if (!perIp) return;
      if (address === undefined) {
        if (!addressUnknown) emit({ type: 'address-unknown' });
        addressUnknown = true;
        return;
      }
      const waitMs = await perIp(address);
      if (waitMs > 0) throw tooMany(emit, 'ip', waitMs);
    },
    async checkVisitor(externalId) {
      const waitMs = (await perVisitor?.(externalId)) ?? 0;
      if (waitMs > 0) throw tooMany(emit, 'visitor', waitMs);
    },
  };
}
