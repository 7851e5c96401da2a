import { assertRate, type BrokerLimits } from './brokerLimits.ts';
import { createClientAddress } from './clientAddress.ts';
import { redisScripts } from './redisScripts.ts';
import { memoryCounter, type RequestCounter, redisCounter } from './requestCounter.ts';
import { type Emit, tooMany } from './tooMany.ts';

/** A third of what Genesys allows: a school or a company behind one address stays below it. */
const NEW_VISITORS_PER_IP = 100;

export interface RequestLimits {
  /** The network that a request comes from, where it is known. */
  addressOf(request: Request): string | undefined;
  /** @throws GuestTokenError `rate_limited` with `retryAtMs` */
  checkAddress(address: string | undefined): Promise<void>;
  /** @throws GuestTokenError `rate_limited` with `retryAtMs` */
  checkNewVisitor(address: string | undefined): Promise<void>;
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

  function counter(
    option: 'perVisitor' | 'perIp' | 'newVisitorsPerIp',
    name: string,
    perMinute = limits[option],
  ): RequestCounter | undefined {
    if (perMinute === undefined || perMinute === Number.POSITIVE_INFINITY) return undefined;
    assertRate(option, perMinute);
    return run ? redisCounter(name, scope, perMinute, run) : memoryCounter(perMinute);
  }
  const perVisitor = counter('perVisitor', 'visitor');
  const perIp = counter('perIp', 'ip');
  const { newVisitorsPerIp = NEW_VISITORS_PER_IP } = limits;
  const newPerIp = counter('newVisitorsPerIp', 'new-visitors', newVisitorsPerIp);

  async function checkByAddress(
    limit: 'ip' | 'new-visitors',
    count: RequestCounter | undefined,
    address: string | undefined,
  ): Promise<void> {
    if (!count) return;
    if (address === undefined) {
      if (!addressUnknown) emit({ type: 'address-unknown' });
      addressUnknown = true;
      return;
    }
    const waitMs = await count(address);
    if (waitMs > 0) throw tooMany(emit, limit, waitMs);
  }

  return {
    addressOf,
    checkAddress: (address) => checkByAddress('ip', perIp, address),
    checkNewVisitor: (address) => checkByAddress('new-visitors', newPerIp, address),
    async checkVisitor(externalId) {
      const waitMs = (await perVisitor?.(externalId)) ?? 0;
      if (waitMs > 0) throw tooMany(emit, 'visitor', waitMs);
    },
  };
}
