// npm run bench:organisations: two organisations on one Redis, with the same prefix and visitors of
// the same ids, over real HTTP. Ends with code 1 where anything of one reaches the other.
import { createClient } from 'redis';
import { listen } from '../../src/bin/httpServer.ts';
import { startSandbox } from '../../src/bin/sandboxServer.ts';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';
import { anyRedis, hasRedis } from '../redis/redisServer.ts';
import { createPoster, type PostReply } from './post.ts';

const VISITORS = 500;
const REQUESTS_EACH = 6;
const PER_VISITOR = 4;
const UPSTREAM = 300;

type Redis = Awaited<ReturnType<typeof openRedis>>;

const openRedis = (url: string) => createClient({ url }).connect();

/** One organisation's broker, in front of its own Genesys. */
async function open(name: string, redis: Redis) {
  const cloud = createSandboxCloud({ clientId: `${name}-client` });
  const genesys = await startSandbox(cloud);
  const { clientId, clientSecret } = cloud;
  const broker = createGuestTokenBroker({
    issuer: webchatVisitors({
      clientId,
      clientSecret,
      apiUrl: genesys.apiUrl,
      loginUrl: genesys.loginUrl,
    }),
    authorize: async ({ headers }) => ({ externalId: headers.get('X-Visitor') ?? '' }),
    pool: redisTokenPool(redis),
    limits: { redis, perVisitor: PER_VISITOR, upstream: UPSTREAM, trustedProxies: 1 },
  });
  const server = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
  return {
    name,
    url: server.url,
    cloud,
    async close() {
      await server.close();
      await genesys.close();
    },
  };
}

interface Figures {
  served: number;
  limited: number;
  otherAnswers: number;
  /** Tokens that this organisation's Genesys never issued for the visitor who got them. */
  foreign: number;
}

async function run(redisUrl: string): Promise<void> {
  const clients = await Promise.all([openRedis(redisUrl), openRedis(redisUrl)]);
  const [northRedis, southRedis] = clients;
  const shops = [await open('north', northRedis), await open('south', southRedis)];
  const poster = createPoster(200);
  const figures = shops.map(
    (): Figures => ({ served: 0, limited: 0, otherAnswers: 0, foreign: 0 }),
  );

  async function ask(index: number, visitor: number): Promise<PostReply | undefined> {
    const shop = shops[index];
    const counts = figures[index];
    if (!shop || !counts) return undefined;
    const reply = await poster.post(shop.url, '{}', {
      'X-Visitor': `visitor ${visitor}`,
      'X-Forwarded-For': `10.0.${visitor >> 8}.${visitor & 255}`,
    });
    if (reply.status === 429) counts.limited++;
    else if (reply.status !== 200) counts.otherAnswers++;
    else {
      counts.served++;
      const { token } = JSON.parse(reply.text);
      const issued = shop.cloud.issued.find((known) => known.token === token);
      if (issued?.externalId !== `visitor ${visitor}`) counts.foreign++;
    }
    return reply;
  }

  try {
    // all at once, so that both ask for the same ids at the same time
    const asked: Promise<unknown>[] = [];
    for (let round = 0; round < REQUESTS_EACH; round++) {
      for (let visitor = 0; visitor < VISITORS; visitor++) {
        for (const index of shops.keys()) asked.push(ask(index, visitor));
      }
    }
    await Promise.all(asked);
    console.log(
      `Two organisations on one Redis: ${VISITORS} visitors of the same ids, ${REQUESTS_EACH} requests each at once; ${PER_VISITOR} a minute are allowed to a visitor, ${UPSTREAM} calls to an organisation`,
    );
    for (const [index, { name, cloud }] of shops.entries()) {
      const { served, limited, otherAnswers, foreign } = figures[index] ?? {};
      const calls = cloud.count();
      // Had they shared a count, each would have had about half of this.
      const expected = (UPSTREAM - 1) * PER_VISITOR;
      const kept = foreign === 0 && otherAnswers === 0 && calls === UPSTREAM && served === expected;
      if (!kept) process.exitCode = 1;
      console.log(
        `${kept ? 'ok  ' : 'FAIL'}  ${name}: ${served} served, ${limited} over a limit, ${otherAnswers} other answers; ${calls} calls to its Genesys; ${foreign} tokens of somebody else`,
      );
    }
  } finally {
    poster.close();
    for (const shop of shops) await shop.close();
    for (const client of clients) await client.close();
  }
}

if (hasRedis) {
  const redis = await anyRedis();
  await run(redis.url);
  await redis.close();
} else console.log('Not measured: install redis-server, or set REDIS_URL.');
