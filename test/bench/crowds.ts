// Many requests at once, over real HTTP; Genesys is on a port of its own.
import { listen } from '../../src/bin/httpServer.ts';
import { startSandbox } from '../../src/bin/sandboxServer.ts';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { createPoster, type PostReply } from './post.ts';

/** Each visitor has an address of its own. */
type Ask = (visitor: number) => Promise<PostReply>;

/** The broker with all its defaults, before a sandbox with its own: 300 calls a minute. */
async function withBroker<Result>(
  connections: number,
  work: (ask: Ask, sandbox: SandboxCloud) => Promise<Result>,
): Promise<Result> {
  const sandbox = createSandboxCloud();
  const upstream = await startSandbox(sandbox);
  const { clientId, clientSecret } = sandbox;
  const { apiUrl, loginUrl } = upstream;
  const broker = createGuestTokenBroker({
    issuer: webchatVisitors({ clientId, clientSecret, apiUrl, loginUrl }),
    authorize: async ({ headers }) => ({ externalId: headers.get('X-Visitor') ?? '' }),
    limits: { trustedProxies: 1 },
  });
  const server = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
  const poster = createPoster(connections);
  try {
    return await work(
      (visitor) =>
        poster.post(server.url, '{}', {
          'X-Visitor': `visitor ${visitor}`,
          'X-Forwarded-For': `10.0.${visitor >> 8}.${visitor & 255}`,
        }),
      sandbox,
    );
  } finally {
    poster.close();
    await server.close();
    await upstream.close();
  }
}

export interface OneVisitor {
  readonly answers: number;
  readonly tokens: number;
  readonly upstreamCalls: number;
}

/** Requests of one visitor, all on connections of their own. */
export function oneVisitor(requests: number): Promise<OneVisitor> {
  return withBroker(requests, async (ask, sandbox) => {
    const answers = await Promise.all(Array.from({ length: requests }, () => ask(0)));
    const tokens = new Set(answers.map(({ status, text }) => (status === 200 ? text : status)));
    return {
      answers: answers.length,
      // by the token alone: expires_in counts down
      tokens: new Set([...tokens].map((text) => /"token":"[^"]+"/.exec(`${text}`)?.[0])).size,
      upstreamCalls: sandbox.count('visitor'),
    };
  });
}

export interface Burst {
  readonly visitors: number;
  readonly served: number;
  /** 429s of the broker, each with a Retry-After. */
  readonly turnedAway: number;
  readonly otherAnswers: number;
  readonly upstreamCalls: number;
  /** 429s that Genesys had to answer. */
  readonly upstreamRefusals: number;
  readonly seconds: number;
}

/** New visitors at the same time, who come back when Retry-After says so, for so long. */
export function burstOfNewVisitors(visitors: number, forMs: number): Promise<Burst> {
  return withBroker(500, async (ask, sandbox) => {
    const startedAtMs = performance.now();
    const upstream = watch(sandbox);
    let served = 0;
    let turnedAway = 0;
    let otherAnswers = 0;

    async function come(visitor: number): Promise<void> {
      for (;;) {
        const { status, headers } = await ask(visitor);
        const retryAfterMs = Number(headers['retry-after']) * 1000;
        if (status === 200) served++;
        else if (status === 429 && retryAfterMs > 0) turnedAway++;
        else otherAnswers++;
        const backAtMs = performance.now() + retryAfterMs;
        if (status !== 429 || !(backAtMs < startedAtMs + forMs)) return;
        await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
      }
    }

    await Promise.all(Array.from({ length: visitors }, (_, index) => come(index)));
    const seconds = (performance.now() - startedAtMs) / 1000;
    const { calls, refusals } = upstream.stop();
    return {
      visitors,
      served,
      turnedAway,
      otherAnswers,
      upstreamCalls: calls,
      upstreamRefusals: refusals,
      seconds,
    };
  });
}

/** The sandbox keeps its latest 1,000 requests; enough for a minute, but looked at more often. */
function watch(sandbox: SandboxCloud): { stop(): { calls: number; refusals: number } } {
  const seen = new Set<object>();
  const refused = new Set<object>();
  const look = (): void => {
    for (const request of sandbox.requests) {
      if (request.operation !== 'visitor') continue;
      seen.add(request);
      if (request.status === 429) refused.add(request);
    }
  };
  const timer = setInterval(look, 500);
  return {
    stop() {
      clearInterval(timer);
      look();
      return { calls: seen.size, refusals: refused.size };
    },
  };
}
