// npm run bench:fairness: one client that wants all new tokens, beside honest visitors. Over real HTTP
// and in real time, so it takes a minute. Ends with code 1 where too few of the honest are served.
import { listen } from '../../src/bin/httpServer.ts';
import { startSandbox } from '../../src/bin/sandboxServer.ts';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { anonymousVisitors } from '../../src/server/anonymousVisitors.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import type { BrokerLimits } from '../../src/server/limits/brokerLimits.ts';
import { createPoster } from './post.ts';

const SECONDS = 40;
const HOSTILE_PER_SECOND = 30;
const HONEST_PER_SECOND = 1;

/** An honest visitor's token is in time within this, with all that Retry-After asks to wait for. */
const IN_TIME_MS = 10_000;
const MIN_SHARE_IN_TIME = 0.95;

interface Side {
  readonly visitors: number;
  readonly servedInTime: number;
  readonly medianMs: number;
  readonly slowestMs: number;
}

interface Result {
  readonly hostile: Side;
  readonly honest: Side;
  /** 429s that Genesys had to answer. */
  readonly upstreamRefusals: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @param hostileAddresses how many addresses the hostile requests come from, in turn */
async function compete(limits: BrokerLimits, hostileAddresses: number): Promise<Result> {
  const sandbox = createSandboxCloud();
  const upstream = await startSandbox(sandbox);
  const { clientId, clientSecret } = sandbox;
  let upstreamRefusals = 0;
  const broker = createGuestTokenBroker({
    issuer: webchatVisitors({
      clientId,
      clientSecret,
      apiUrl: upstream.apiUrl,
      loginUrl: upstream.loginUrl,
      async fetch(url, init) {
        const response = await fetch(url, init);
        if (response.status === 429) upstreamRefusals++;
        return response;
      },
    }),
    authorize: anonymousVisitors({ cookieSecret: 'a secret of thirty-two characters' }),
    limits: { trustedProxies: 1, ...limits },
  });
  const server = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
  const poster = createPoster(200);

  /** The ms until a new visitor has a token; undefined when it took too long. */
  async function visit(address: string): Promise<number | undefined> {
    const startedAtMs = performance.now();
    const passedMs = (): number => performance.now() - startedAtMs;
    while (passedMs() < IN_TIME_MS) {
      const { status, headers } = await poster.post(server.url, '{}', {
        'X-Forwarded-For': address,
      });
      if (status === 200) return passedMs();
      if (status !== 429) throw new Error(`${address} was answered ${status}`);
      const backInMs = Number(headers['retry-after']) * 1000;
      if (passedMs() + backInMs > IN_TIME_MS) return undefined;
      await sleep(backInMs);
    }
    return undefined;
  }

  async function come(perSecond: number, addressOf: (visitor: number) => string): Promise<Side> {
    const visits: Promise<number | undefined>[] = [];
    const startedAtMs = performance.now();
    for (let visitor = 0; visitor < perSecond * SECONDS; visitor++) {
      const dueMs = startedAtMs + (visitor / perSecond) * 1000;
      await sleep(Math.max(0, dueMs - performance.now()));
      visits.push(visit(addressOf(visitor)));
    }
    const tookMs = (await Promise.all(visits)).filter((ms) => ms !== undefined);
    const inOrder = tookMs.toSorted((a, b) => a - b);
    return {
      visitors: visits.length,
      servedInTime: tookMs.length,
      medianMs: inOrder[Math.floor(inOrder.length / 2)] ?? Number.NaN,
      slowestMs: inOrder.at(-1) ?? Number.NaN,
    };
  }

  try {
    const [hostile, honest] = await Promise.all([
      come(HOSTILE_PER_SECOND, (visitor) => `203.0.113.${visitor % hostileAddresses}`),
      come(HONEST_PER_SECOND, (visitor) => `198.51.100.${visitor}`),
    ]);
    return { hostile, honest, upstreamRefusals };
  } finally {
    poster.close();
    await server.close();
    await upstream.close();
  }
}

function show(name: string, { hostile, honest, upstreamRefusals }: Result): void {
  const share = honest.servedInTime / honest.visitors;
  const side = ({ visitors, servedInTime, medianMs, slowestMs }: Side): string =>
    `${servedInTime} of ${visitors} have a token within ${IN_TIME_MS / 1000} s, median ${Math.round(medianMs)} ms, slowest ${Math.round(slowestMs)} ms`;
  const kept = share >= MIN_SHARE_IN_TIME && upstreamRefusals === 0;
  if (!kept) process.exitCode = 1;
  console.log(`${kept ? 'ok  ' : 'FAIL'}  ${name}`);
  console.log(`      honest:  ${side(honest)} (${(100 * share).toFixed(1)} %)`);
  console.log(`      hostile: ${side(hostile)}`);
  console.log(`      429s of Genesys: ${upstreamRefusals}`);
}

console.log(
  `${HOSTILE_PER_SECOND} hostile new visitors a second for ${SECONDS} s, ${HONEST_PER_SECOND} honest one a second from other addresses; Genesys allows 300 calls a minute`,
);
const unlimited: BrokerLimits = { newVisitorsPerIp: Number.POSITIVE_INFINITY };
const [byDefault, byTurns, fromMany] = await Promise.all([
  compete({}, 1),
  compete(unlimited, 1),
  compete(unlimited, 5),
]);
show('one hostile address, limits by default', byDefault);
show('one hostile address, no limit for new visitors: by fair turns alone', byTurns);
show('five hostile addresses, no limit for new visitors: by fair turns alone', fromMany);
