/// <reference types="vite/client" />
// @vitest-environment node
import { afterEach, expect, test, vi } from 'vitest';
import { connect, hasRedis, startRedis } from '../redis/redisServer.ts';
import { fakeClocks } from '../server/limits/clock.ts';
import { liveBrokerWeek, type WeekReport } from './brokerWeek.ts';

// `npm run soak:broker` lives a week, another one each time; VITE_SEED=… repeats it.
const soaking = import.meta.env.MODE === 'soak';
const hours = soaking ? 7 * 24 : 4;
const seed = Number(import.meta.env.VITE_SEED ?? (soaking ? Date.now() % 2 ** 31 : 1));

afterEach(() => {
  vi.useRealTimers();
});

test.skipIf(!hasRedis)(
  `two machines serve a shop for ${hours} hours, through outages of Redis, wrong clocks, crowds and attacks`,
  { timeout: 3_600_000 },
  async () => {
    const server = await startRedis();
    const client = await connect(server.url);
    let report: WeekReport;
    try {
      fakeClocks();
      report = await liveBrokerWeek(client, hours, seed);
    } finally {
      vi.useRealTimers();
      client.destroy();
      await server.close();
    }
    if (soaking) print(report);
    expect(report.upstreamRefusals).toBe(0);
    expect(report.mostCallsInAMinute).toBeLessThanOrEqual(300);
    expect(report.tokensOfAnother).toBe(0);
    expect(report.served / report.honest).toBeGreaterThan(0.99);
    expect(report.hostile).toBeGreaterThan(4_000);
  },
);

function print(report: WeekReport): void {
  const { honest, served, waitsMs, hostile, hostileServed } = report;
  const waitMs = (share: number): string =>
    `${((waitsMs[Math.ceil(share * waitsMs.length) - 1] ?? Number.NaN) / 1000).toFixed(1)} s`;
  process.stdout.write(
    [
      `simulated hours: ${hours} (seed ${seed})`,
      `honest requests: ${honest}, with a token ${served} (${((100 * served) / honest).toFixed(3)} %)`,
      `waited: half of them ${waitMs(0.5)}, 95 % ${waitMs(0.95)}, 99 % ${waitMs(0.99)}, all ${waitMs(1)}`,
      `hostile requests: ${hostile}, with a token ${hostileServed}`,
      `calls to Genesys: ${report.calls}, ${report.mostCallsInAMinute} in a minute at most, refused ${report.upstreamRefusals}`,
      `tokens of another visitor: ${report.tokensOfAnother}; expired tokens handed out: ${report.expiredTokens}`,
      '',
    ].join('\n'),
  );
}
