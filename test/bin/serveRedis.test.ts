// @vitest-environment node
// `serve` with REDIS_URL, in processes of its own.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { anyRedis, connect, hasRedis } from '../redis/redisServer.ts';
import { type BrokerProcess, startBroker } from './process.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const started: BrokerProcess[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});

/** On a port that nobody listens on. */
const NOWHERE = 'redis://user:very-secret@127.0.0.1:1';

function run(env: Record<string, string>): BrokerProcess {
  const broker = startBroker(['serve', '--sandbox', '--port', '0'], env);
  started.push(broker);
  return broker;
}

async function serve(env: Record<string, string>): Promise<{ broker: BrokerProcess; url: string }> {
  const broker = run(env);
  const [, url = ''] = await broker.printed(/"listening","url":"([^"]+)"/);
  return { broker, url };
}

const ask = (url: string, cookie = ''): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(cookie && { Cookie: cookie }) },
    body: '{}',
  });

describe('guest-token-broker serve with REDIS_URL', () => {
  it.skipIf(!hasRedis)(
    'hands out the same token in every process, and none can be read in Redis',
    async () => {
      const redis = await anyRedis();
      const client = await connect(redis.url);
      try {
        const env = {
          REDIS_URL: redis.url,
          GUEST_TOKEN_COOKIE_SECRET: 'a long and secret text, 32+ bytes',
          GUEST_TOKEN_ENCRYPTION_KEY: 'another long and secret text, 32+',
        };
        const [one, other] = [await serve(env), await serve(env)];
        for (const { broker } of [one, other]) await broker.printed(/"event":"redis","ready":true/);
        const first = await ask(one.url);
        const cookie = first.headers.getSetCookie()[0]?.replace(/;.*/s, '') ?? '';
        const { token } = await first.json();
        expect((await (await ask(other.url, cookie)).json()).token).toBe(token);

        const health = await (await fetch(`${one.url}/healthz`)).json();
        expect(health).toMatchObject({ status: 'ok', redis: 'ok' });

        const keys = (await client.keys('react-guest-token:*')).filter((key) =>
          /:[0-9a-f]{64}$/.test(key),
        );
        expect(keys.length).toBeGreaterThan(0);
        // Tokens are strings; the pacer counts calls in sorted sets.
        const values = await Promise.all(
          keys.map(async (key) =>
            (await client.type(key)) === 'zset' ? client.zRange(key, 0, -1) : client.get(key),
          ),
        );
        expect(JSON.stringify(values)).not.toContain(token.split('.')[1]);
      } finally {
        await client.close();
        await redis.close();
      }
    },
  );

  it('serves without a Redis that can not be reached, and says so without its password', async () => {
    const { broker, url } = await serve({ REDIS_URL: NOWHERE });
    await broker.printed(/"event":"redis","ready":false,"problem":"ECONNREFUSED"/);
    expect((await ask(url)).status).toBe(200);
    await broker.printed(/"type":"pool-unavailable"/);
    const health = await (await fetch(`${url}/healthz`)).json();
    expect(health).toMatchObject({ status: 'ok', redis: 'away' });
    expect(broker.output.stdout + broker.output.stderr).not.toContain('very-secret');
    broker.child.kill('SIGTERM');
    expect(await broker.exited).toBe(0);
  });

  it('names the package that is missing in one sentence, and exits 2', async () => {
    const hook = `import{registerHooks}from'node:module';registerHooks({resolve(name,context,next){if(name==='redis')throw new Error('not here');return next(name,context)}})`;
    const broker = run({
      REDIS_URL: NOWHERE,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
    });
    expect(await broker.exited).toBe(2);
    expect(broker.output.stderr).toMatch(/^REDIS_URL is set, [^\n]*npm install redis[^\n]*\.\n$/);
  });

  it.each([
    [{ REDIS_URL: 'https://user:very-secret@redis.example' }, /^REDIS_URL must be a URL/],
    [{ GUEST_TOKEN_ENCRYPTION_KEY: 'very-secret' }, /^Set GUEST_TOKEN_ENCRYPTION_KEY to a random/],
  ])('with a setting that can not work names it, and exits 2', async (env, message) => {
    const broker = run(env);
    expect(await broker.exited).toBe(2);
    expect(broker.output.stderr).toMatch(message);
    expect(broker.output.stderr).not.toContain('very-secret');
  });
});
