// Two machines of a shop behind a load balancer, on one Redis, in front of one Genesys: with a day's
// curve of visitors, crowds, outages of Redis, clocks that are set, and one address that wants all.
import { vi } from 'vitest';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { anonymousVisitors } from '../../src/server/anonymousVisitors.ts';
import {
  createGuestTokenBroker,
  type GuestTokenBroker,
} from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';
import type { TestClient } from '../redis/redisServer.ts';
import { type VirtualRedis, virtualRedis } from './virtualRedis.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

const CALLS_A_MINUTE = 300;
const TOKEN_LIFE_SECONDS = 3600;

/** New visitors a minute at noon; a tenth of them at midnight. */
const PEAK_A_MINUTE = 6;
const CROWD = 150;
const CROWD_MS = 20 * SECOND;
const ATTACK_MS = 40 * SECOND;
const ATTACKS_A_SECOND = 30;

/** Whoever has no token by then counts as lost. */
const PATIENCE_MS = MINUTE;

/** The time that passes at once while requests are open. */
const STEP_MS = 50;

export interface WeekReport {
  readonly honest: number;
  readonly served: number;
  /** Ms that the served ones waited, in order. */
  readonly waitsMs: readonly number[];
  readonly hostile: number;
  readonly hostileServed: number;
  readonly calls: number;
  readonly mostCallsInAMinute: number;
  /** Calls that Genesys had to refuse, being the 301st of 60 s. */
  readonly upstreamRefusals: number;
  readonly tokensOfAnother: number;
  readonly expiredTokens: number;
}

export async function liveBrokerWeek(
  redisClient: TestClient,
  hours: number,
  seed: number,
): Promise<WeekReport> {
  const random = randomNumbers(seed);
  const startMs = Date.now();
  // The fake steady clock: what the machines' wall clocks are set to does not matter to the world.
  const trueMs = (): number => startMs + performance.now();
  const redis = virtualRedis(redisClient, trueMs);
  const genesys = playGenesys(trueMs, random);
  const machines = [openMachine(genesys.fetch, redis), openMachine(genesys.fetch, redis)];

  const wakeUps = createWakeUps();

  function pass(ms: number): Promise<void> {
    wakeUps.add(trueMs() + ms);
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  const waitsMs: number[] = [];
  const counts = { honest: 0, hostile: 0, hostileServed: 0, tokensOfAnother: 0, expiredTokens: 0 };
  let open = 0;
  let addresses = 0;

  async function post(ip: string, cookie: string | undefined, fresh = false): Promise<Response> {
    const machine = machines[random() < 0.5 ? 0 : 1] as GuestTokenBroker;
    const request = new Request('https://shop.example/api/guest-token', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Sec-Fetch-Site': 'same-origin',
        ...(cookie !== undefined && { Cookie: cookie }),
        ...(fresh && { 'Cache-Control': 'no-cache' }),
      },
      body: '{}',
    });
    open++;
    return machine(Object.assign(request, { ip })).finally(() => open--);
  }

  /** Asks as the client does, until there is a token or patience is over. */
  async function ask(ip: string, known: string | undefined): Promise<string | undefined> {
    const startedMs = trueMs();
    let cookie = known;
    counts.honest++;
    while (trueMs() - startedMs < PATIENCE_MS) {
      const response = await post(ip, cookie);
      cookie = cookieOf(response) ?? cookie;
      if (response.status === 200) {
        const { token } = await response.json();
        const issued = genesys.issued.get(token);
        if (issued?.externalId !== visitorOf(cookie)) counts.tokensOfAnother++;
        if (issued && issued.endsMs <= trueMs()) counts.expiredTokens++;
        waitsMs.push(trueMs() - startedMs);
        return cookie;
      }
      const retryAfterMs = Number(response.headers.get('Retry-After') ?? 2) * SECOND;
      if (trueMs() + retryAfterMs - startedMs >= PATIENCE_MS) return undefined;
      await pass(retryAfterMs);
    }
    return undefined;
  }

  /** Comes, and comes back with the cookie up to three times. */
  async function visit(): Promise<void> {
    const ip = `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
    addresses++;
    let cookie = await ask(ip, undefined);
    for (let time = random() * 4; cookie && time > 1; time--) {
      await pass(random() * 2 * HOUR);
      cookie = await ask(ip, cookie);
    }
  }

  /** As fast as it can, without a cookie or with one that it was given, whatever it is told. */
  async function attack(): Promise<void> {
    const cookies: string[] = [];
    for (let call = 0; call < (ATTACKS_A_SECOND * ATTACK_MS) / SECOND; call++) {
      const cookie = random() < 0.3 ? cookies[Math.floor(random() * cookies.length)] : undefined;
      counts.hostile++;
      void post('203.0.113.7', cookie, cookie !== undefined).then((response) => {
        const given = cookieOf(response);
        if (given !== undefined) cookies.push(given);
        if (response.status === 200) counts.hostileServed++;
      });
      await pass(SECOND / ATTACKS_A_SECOND);
    }
  }

  async function crowd(): Promise<void> {
    for (let visitor = 0; visitor < CROWD; visitor++) {
      void visit();
      await pass(CROWD_MS / CROWD);
    }
  }

  async function outage(health: 'down' | 'hanging', ms: number): Promise<void> {
    await redis.become(health);
    await pass(ms);
    await redis.become('up');
  }

  /** Redis goes away when the minute is half used. */
  async function outageInACrowd(health: 'down' | 'hanging'): Promise<void> {
    void attack();
    void crowd();
    await pass(CROWD_MS / 2);
    await outage(health, 3 * MINUTE);
  }

  async function wrongClock(aheadMs: number, ms: number): Promise<void> {
    vi.setSystemTime(Date.now() + aheadMs);
    await pass(ms);
    vi.setSystemTime(Date.now() - aheadMs);
  }

  /** What happens besides the day's visitors: in the n-th hour, at this minute. */
  const mishaps: readonly (readonly [hour: number, minute: number, () => Promise<void>])[] = [
    [0, 5, attack],
    [0, 5, crowd],
    [0, 30, () => outageInACrowd('hanging')],
    [1, 20, () => outage('down', 5 * MINUTE)],
    [1, 21, attack],
    [1, 21, crowd],
    [2, 10, () => wrongClock(-HOUR, 10 * MINUTE)],
    [2, 15, crowd],
    [2, 40, () => outage('hanging', 3 * MINUTE)],
    [2, 41, crowd],
    [2, 41, attack],
    [3, 10, () => outageInACrowd('down')],
    [3, 30, () => wrongClock(HOUR, 5 * MINUTE)],
    [3, 31, attack],
  ];

  /** Lets time pass, in small steps while anything is under way, so that Redis can keep up. */
  async function passUntil(endMs: number): Promise<void> {
    while (trueMs() < endMs) {
      await settle(redis, () => open);
      const idleMs = wakeUps.nextMs(trueMs()) - trueMs();
      const stepMs = open > 0 ? STEP_MS : Math.max(STEP_MS, idleMs);
      await vi.advanceTimersByTimeAsync(Math.min(stepMs, endMs - trueMs()));
    }
  }

  const minutes = hours * 60;
  for (let minute = 0; minute < minutes; minute++) {
    const due = mishaps.filter(
      ([hour, at]) => at === minute % 60 && hour === Math.floor(minute / 60) % 6,
    );
    for (const [, , begin] of due) void begin();
    for (let second = 0; second < 60; second++) {
      if (random() < newVisitorsA(minute) / 60) void visit();
      await passUntil(startMs + minute * MINUTE + (second + 1) * SECOND);
    }
  }
  await passUntil(startMs + minutes * MINUTE + 2 * PATIENCE_MS);

  return {
    ...counts,
    served: waitsMs.length,
    waitsMs: waitsMs.toSorted((a, b) => a - b),
    calls: genesys.calls,
    mostCallsInAMinute: genesys.mostInAMinute,
    upstreamRefusals: genesys.refusals,
  };
}

/** When something wakes up, to the step. */
function createWakeUps(): { add(atMs: number): void; nextMs(nowMs: number): number } {
  const steps = new Set<number>();
  return {
    add: (atMs) => void steps.add(Math.floor(atMs / STEP_MS)),
    nextMs(nowMs) {
      const first = Math.floor(nowMs / STEP_MS);
      for (let step = first; step < first + SECOND / STEP_MS; step++) {
        if (steps.delete(step)) return step * STEP_MS;
      }
      return nowMs + SECOND;
    },
  };
}

/** New visitors in a minute of the day, which begins at eight. */
function newVisitorsA(minute: number): number {
  const ofDay = (8 * HOUR + minute * MINUTE) / DAY;
  return PEAK_A_MINUTE * (0.55 - 0.45 * Math.cos(2 * Math.PI * ofDay));
}

interface PlayedGenesys {
  readonly fetch: typeof fetch;
  readonly issued: ReadonlyMap<string, { readonly externalId: string; readonly endsMs: number }>;
  readonly calls: number;
  readonly mostInAMinute: number;
  readonly refusals: number;
}

/** The sandbox, some way off, with one limit for all that an organisation's machines call. */
function playGenesys(trueMs: () => number, random: () => number): PlayedGenesys {
  const sandbox = createSandboxCloud({
    now: trueMs,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    tokenLifeSeconds: TOKEN_LIFE_SECONDS,
  });
  const issued = new Map<string, { externalId: string; endsMs: number }>();
  const latest: number[] = [];
  const counts = { calls: 0, mostInAMinute: 0, refusals: 0 };
  const travel = (): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, 20 + random() * 150));

  async function answer(url: string | URL | Request, init?: RequestInit): Promise<Response> {
    await travel();
    const nowMs = trueMs();
    counts.calls++;
    while ((latest[0] ?? nowMs) <= nowMs - MINUTE) latest.shift();
    latest.push(nowMs);
    counts.mostInAMinute = Math.max(counts.mostInAMinute, latest.length);
    if (latest.length > CALLS_A_MINUTE) {
      counts.refusals++;
      return new Response('{}', { status: 429, headers: { 'Retry-After': '60' } });
    }
    const response = await sandbox.fetch(url, init);
    const reply = await response.clone().json();
    if (typeof reply.token === 'string') {
      const endsMs = nowMs + TOKEN_LIFE_SECONDS * SECOND;
      issued.set(reply.token, { externalId: reply.external_id, endsMs });
    }
    await travel();
    return response;
  }

  return {
    fetch: answer,
    issued,
    get calls() {
      return counts.calls;
    },
    get mostInAMinute() {
      return counts.mostInAMinute;
    },
    get refusals() {
      return counts.refusals;
    },
  };
}

function openMachine(send: typeof fetch, redis: VirtualRedis): GuestTokenBroker {
  return createGuestTokenBroker({
    issuer: webchatVisitors({
      clientId: 'sandbox-client',
      clientSecret: 'sandbox-secret',
      fetch: send,
    }),
    authorize: anonymousVisitors({ cookieSecret: 'a secret of thirty-two characters' }),
    pool: redisTokenPool(redis),
    limits: { redis, perVisitor: 30, perIp: 600, upstream: CALLS_A_MINUTE },
  });
}

/** Lets Redis and the platform's cryptography come to their end; fake time stands still meanwhile. */
async function settle(redis: VirtualRedis, open: () => number): Promise<void> {
  let known = open();
  for (let quiet = 0; quiet < (known > 0 ? 6 : 1); quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (redis.pending > 0 || open() !== known) quiet = -1;
    known = open();
  }
}

function cookieOf(response: Response): string | undefined {
  return response.headers.get('Set-Cookie')?.replace(/;.*/s, '');
}

/** The id in a visitor's cookie. */
function visitorOf(cookie = ''): unknown {
  const [, payload = ''] = cookie.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}').sub;
}

/** Mulberry32: the same numbers for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
