import { createMetrics } from '../../src/bin/metrics.ts';

/** The metrics of the broker; those of the process are prom-client's. */
export function brokerMetrics(): { name: string; help: string; type: unknown }[] {
  const { registry } = createMetrics({
    paceLimit: 300,
    isCircuitOpen: () => false,
    droppedLogLines: () => 0,
    isRedisReady: () => true,
  });
  return registry.getMetricsAsArray().filter(({ name }) => name.startsWith('guest_token_'));
}
