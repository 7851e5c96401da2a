import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import type { BrokerEvent } from '../server/events.ts';
import type { RefusedConnection } from './httpServer.ts';
import type { Log, LogLevel } from './log.ts';

export interface Watch {
  readonly counts: Readonly<Record<string, number>>;
  readonly onEvent: (event: BrokerEvent) => void;
  /** Whether any channel of Genesys is left alone. */
  readonly isCircuitOpen: () => boolean;
}

/** Logs and counts what the broker does. */
export function createWatch(log: Log): Watch {
  const counts: Record<string, number> = {};
  /** When each channel is tried again; undefined stands for all. */
  const openChannels = new Map<string | undefined, Deadline>();
  return {
    counts,
    onEvent(event) {
      counts[event.type] = (counts[event.type] ?? 0) + 1;
      if (event.type === 'circuit-opened') {
        openChannels.set(event.channelId, deadlineIn(event.untilMs - Date.now()));
      }
      if (event.type === 'circuit-closed') openChannels.delete(event.channelId);
      log.write(levelOf(event), 'broker', event);
    },
    isCircuitOpen: () => [...openChannels.values()].some((deadline) => untilMs(deadline) > 0),
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
