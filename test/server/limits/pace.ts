import type { BrokerLimits } from '../../../src/server/limits/brokerLimits.ts';
import {
  createUpstreamPacer,
  type UpstreamPacer,
} from '../../../src/server/limits/upstreamPacer.ts';

export const paced = (limits: BrokerLimits): UpstreamPacer =>
  createUpstreamPacer(limits, () => undefined, '');

/** The most calls in any 60 s. */
export function mostInAMinute(atMs: readonly number[]): number {
  const inOrder = atMs.toSorted((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [last, at] of inOrder.entries()) {
    while ((inOrder[first] ?? 0) <= at - 60_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
