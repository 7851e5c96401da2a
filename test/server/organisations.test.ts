// @vitest-environment node
// Several organisations behind one broker program, on one pool and one Redis.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { authenticatedWebMessaging } from '../../src/server/issuers/authenticatedWebMessaging.ts';
import type { GuestTokenIssuer } from '../../src/server/issuers/issuer.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { memoryTokenPool } from '../../src/server/pool/memoryTokenPool.ts';
import { redisTokenPool } from '../../src/server/pool/redisTokenPool.ts';
import type { TokenPool } from '../../src/server/pool/tokenPool.ts';
import { machine } from '../redis/machines.ts';
import { anyRedis, connect, hasRedis, type TestClient } from '../redis/redisServer.ts';
import { ask, authorize, openShop, problem, reply } from './shop.ts';

const north = (): SandboxCloud => createSandboxCloud({ clientId: 'north-client' });
const south = (): SandboxCloud => createSandboxCloud({ clientId: 'south-client' });

/** A broker of one organisation; visitors have the same ids in all of them. */
function organisation(
  cloud: SandboxCloud,
  pool: TokenPool,
  environment?: string,
): (user: string) => Promise<string> {
  const { clientId, clientSecret, fetch } = cloud;
  const issuer = webchatVisitors({ clientId, clientSecret, environment, fetch });
  const broker = createGuestTokenBroker({ issuer, authorize, pool });
  return async (user) => (await reply(broker(ask({ user })))).token;
}

describe('organisations in one process, on one pool in memory', () => {
  it('never get a token of each other for a visitor of the same id', async () => {
    const pool = memoryTokenPool();
    const clouds = [north(), south()];
    const shops = clouds.map((cloud) => organisation(cloud, pool));
    const tokens = await Promise.all(shops.map((shop) => shop('ada')));
    expect(new Set(tokens).size).toBe(2);
    expect(await Promise.all(shops.map((shop) => shop('ada')))).toEqual(tokens);
    expect(clouds.map((cloud) => cloud.count('visitor'))).toEqual([1, 1]);
  });

  it('are told apart by region, where the client id is the same', async () => {
    const pool = memoryTokenPool();
    const tokens = await Promise.all(
      ['mypurecloud.ie', 'mypurecloud.de'].map((environment) =>
        organisation(createSandboxCloud({ environment }), pool, environment)('ada'),
      ),
    );
    expect(new Set(tokens).size).toBe(2);
  });

  it('are told apart by the Web Messaging deployment', () => {
    const scopes = ['one', 'two'].map(
      (deploymentId) => authenticatedWebMessaging({ deploymentId, grant: () => null }).scope,
    );
    expect(new Set(scopes).size).toBe(2);
  });

  it('are told apart by the client id where a function yields the access token', () => {
    const scopes = ['one', 'two'].map(
      (clientId) => webchatVisitors({ clientId, accessToken: () => 'token' }).scope,
    );
    expect(new Set(scopes).size).toBe(2);
  });

  it('are told apart by the scope of an issuer of your own', async () => {
    const pool = memoryTokenPool();
    const tokens = ['north', 'south'].map(async (scope) => {
      const issuer: GuestTokenIssuer = {
        scope,
        issue: async () => ({ id: '1', token: `of-${scope}`, expires_in: 900 }),
      };
      return (await reply(openShop({ issuer, pool }).broker(ask()))).token;
    });
    expect(await Promise.all(tokens)).toEqual(['of-north', 'of-south']);
  });
});

describe.skipIf(!hasRedis)('organisations on one Redis, with the same prefix', () => {
  // Time passes for real here, and a busy machine is slow.
  vi.setConfig({ testTimeout: 30_000 });
  let server: Awaited<ReturnType<typeof anyRedis>>;
  let redis: TestClient;
  beforeAll(async () => {
    server = await anyRedis();
    redis = await connect(server.url);
  });
  afterAll(async () => {
    await redis.close();
    await server.close();
  });

  it('exchange neither tokens nor counts, and no key names one of them', async () => {
    const prefix = `${randomUUID()}:`;
    const limits = { redis, perVisitor: 1 };
    const shops = [north(), south()].map((cloud) => machine(cloud, redis, { prefix, limits }));
    // no name that a hash could spell
    const answers = await Promise.all(shops.map((shop) => shop.ask('zora')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ token }) => token)).size).toBe(2);
    const keys = await redis.keys(`${prefix}*`);
    expect(keys.some((key) => key.includes('visitor:'))).toBe(true);
    expect(keys.join()).not.toMatch(/north|south|mypurecloud|zora/);
  });

  it('do not wait for each other while one of them issues', async () => {
    const prefix = `${randomUUID()}:`;
    const [slow, quick] = [north(), south()];
    slow.fault('visitor', { kind: 'slow', delayMs: 1_500 });
    const pool = redisTokenPool(redis, { prefix });
    const late = organisation(slow, pool)('ada');
    await expect.poll(() => slow.count('visitor'), { interval: 1 }).toBe(1);
    const first = await Promise.race([late, organisation(quick, pool)('ada')]);
    expect(await late).not.toBe(first);
  });
});

describe('a list of allowed channels', () => {
  const allowedChannels = ['webchat-default', 'sales'];

  it('lets requests for those channels through', async () => {
    const { broker } = openShop({ allowedChannels }, { channelId: allowedChannels });
    await reply(broker(ask()));
    await reply(broker(ask({ body: { channelId: 'sales' } })));
  });

  it('refuses any other before authorize is asked and Genesys is called', async () => {
    const asked = vi.fn(authorize);
    const { broker, sandbox } = openShop({ allowedChannels, authorize: asked });
    for (const channelId of ['other', 'sales ', '__proto__']) {
      const refused = await problem(broker(ask({ body: { channelId } })));
      expect(refused).toMatchObject({
        status: 400,
        code: 'rejected',
        reason: 'channel_not_allowed',
        hint: expect.stringContaining('allowedChannels'),
      });
    }
    expect(asked).not.toHaveBeenCalled();
    expect(sandbox.count()).toBe(0);
  });

  it('that leaves out the channel of the issuer is refused at construction', () => {
    expect(() => openShop({ allowedChannels: ['sales'] })).toThrow('Option "allowedChannels"');
  });

  it.each([[[]], [['']], ['webchat-default']])('%j is refused at construction', (channels) => {
    const inJavaScript: unknown = channels;
    expect(() => openShop({ allowedChannels: inJavaScript as string[] })).toThrow(
      'Option "allowedChannels"',
    );
  });
});
