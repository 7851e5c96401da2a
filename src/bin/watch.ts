import type { BrokerEvent } from '../server/events.ts';
import type { RefusedConnection } from './httpServer.ts';
import type { Log, LogLevel } from './log.ts';

export interface Watch {
  readonly counts: Readonly<Record<string, number>>;
  readonly onEvent: (event: BrokerEvent) => void;
  readonly isCircuitOpen: () => boolean;
}

/** Logs and counts what the broker does. */
export function createWatch(log: Log): Watch {
  const counts: Record<string, number> = {};
  let circuitOpenUntilMs = 0;
  return {
    counts,
    onEvent(event) {
      counts[event.type] = (counts[event.type] ?? 0) + 1;
      if (event.type === 'circuit-opened') circuitOpenUntilMs = event.untilMs;
      if (event.type === 'circuit-closed') circuitOpenUntilMs = 0;
      log.write(levelOf(event), 'broker', event);
    },
    isCircuitOpen: () => circuitOpenUntilMs > Date.now(),
  };
}

/** Who attacks with connections shall not fill the log too: a line a second for each reason. */
export function createRefusalLog(log: Log): (refused: RefusedConnection) => void {
  const unreported = new Map<string, number>();
  return (refused) => {
    const { reason } = refused;
    const count = unreported.get(reason);
    unreported.set(reason, (count ?? 0) + 1);
    if (count !== undefined) return;
    log.write('warn', 'refused', refused);
    setTimeout(() => {
      const more = unreported.get(reason) ?? 0;
      unreported.delete(reason);
      if (more > 1) log.write('warn', 'refused', { reason, more: more - 1 });
    }, 1000).unref();
  };
}

/** Once: behind a proxy that it is not told of, all visitors count as one address. */
export function createProxyWarning(
  log: Log,
  trustedProxies: number | readonly string[],
): (request: Request) => void {
  let isSilent = trustedProxies !== 0;
  return ({ headers }) => {
    if (isSilent || !headers.has('X-Forwarded-For')) return;
    isSilent = true;
    const fix = 'Set GUEST_TOKEN_TRUSTED_PROXIES, or all visitors count as one address.';
    log.write('warn', 'proxy-not-trusted', { fix });
  };
}

/** What happens all the time is for looking closely. */
const forDebugging: readonly BrokerEvent['type'][] = ['pooled', 'upstream-call', 'upstream-queue'];
const normal: readonly BrokerEvent['type'][] = ['issued', 'limited', 'circuit-closed'];

function levelOf(event: BrokerEvent): LogLevel {
  if (event.type === 'failed') return event.status >= 500 ? 'error' : 'info';
  if (forDebugging.includes(event.type)) return 'debug';
  return normal.includes(event.type) ? 'info' : 'warn';
}
