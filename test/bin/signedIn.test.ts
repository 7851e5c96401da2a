// @vitest-environment node
// Visitors who are signed in, by a JWT of an identity provider that this test plays.
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type HttpServer, listen } from '../../src/bin/httpServer.ts';
import { signedInVisitors } from '../../src/bin/signedInVisitors.ts';
import type { Authorize } from '../../src/server/authorize.ts';
import { fakeClocks } from '../server/limits/clock.ts';
import { runBroker } from './process.ts';
import { ask, testServers } from './serving.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { serve } = testServers();

const ISSUER = 'https://id.shop.example/';
const AUDIENCE = 'guest-tokens';

let provider: HttpServer;
let published: JWK;
let isDown = false;
let privateKey: CryptoKey;
let otherKey: CryptoKey;
beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  privateKey = pair.privateKey;
  otherKey = (await generateKeyPair('ES256')).privateKey;
  published = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' };
  provider = await listen({ port: 0, hostname: '127.0.0.1' }, () =>
    isDown
      ? new Response('secret of the provider', { status: 500 })
      : Response.json({ keys: [published] }),
  );
});
afterAll(() => provider.close(true));

const settings = (): Record<string, string> => ({
  GUEST_TOKEN_JWKS_URL: `${provider.url}/jwks.json`,
  GUEST_TOKEN_JWT_ISSUER: ISSUER,
  GUEST_TOKEN_JWT_AUDIENCE: AUDIENCE,
});

interface Token {
  readonly claims?: Record<string, unknown>;
  readonly issuer?: string;
  readonly audience?: string;
  readonly endsAt?: string;
  readonly key?: CryptoKey | Uint8Array;
  readonly alg?: string;
  readonly kid?: string;
}

const sign = ({
  claims = { sub: 'ada' },
  issuer = ISSUER,
  audience = AUDIENCE,
  endsAt = '5 minutes',
  key = privateKey,
  alg = 'ES256',
  kid = 'one',
}: Token = {}): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg, kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime(endsAt)
    .sign(key);

const bearer = async (token?: Token): Promise<Record<string, string>> => ({
  Authorization: `Bearer ${await sign(token)}`,
});

describe('serve with GUEST_TOKEN_JWKS_URL', () => {
  it('gives whoever is signed in a guest token of their own, the same one again, and no cookie', async () => {
    const { broker, url } = await serve(settings());
    const first = await ask(url, await bearer());
    expect(first.status).toBe(200);
    expect(first.headers.getSetCookie()).toEqual([]);
    const ada = await first.json();
    expect(ada).toMatchObject({ external_id: 'ada' });
    expect(await (await ask(url, await bearer())).json()).toMatchObject({ token: ada.token });
    const bob = await (await ask(url, await bearer({ claims: { sub: 'bob' } }))).json();
    expect(bob).toMatchObject({ external_id: 'bob' });
    expect(bob.token).not.toBe(ada.token);
    expect(broker.output.stdout).not.toMatch(/"ada"|eyJ/);
  });

  it('takes the id from another claim, and the JWT from a cookie, where that is set', async () => {
    const { url } = await serve({
      ...settings(),
      GUEST_TOKEN_JWT_CLAIM: 'user_id',
      GUEST_TOKEN_JWT_COOKIE: 'session',
    });
    const token = await sign({ claims: { sub: 'x', user_id: 4711 } });
    const answer = await ask(url, { Cookie: `theme=dark; session=${token}` });
    expect(await answer.json()).toMatchObject({ external_id: '4711' });
    expect((await ask(url, await bearer())).status).toBe(401);
  });

  it('finds the JWT among other cookies of its name, wherever it stands', async () => {
    const { url } = await serve({ ...settings(), GUEST_TOKEN_JWT_COOKIE: 'session' });
    const good = `session=${await sign()}`;
    for (const cookies of [
      ['session=of-a-sub-domain', good],
      [good, `session=${await sign({ key: otherKey })}`],
    ]) {
      const answer = await ask(url, { Cookie: cookies.join('; ') });
      expect(await answer.json()).toMatchObject({ external_id: 'ada' });
    }
  });

  it('answers 401 for everything that this identity provider has not signed for this site', async () => {
    const { url } = await serve(settings());
    const publicText = new TextEncoder().encode(JSON.stringify(published));
    const wrong: Record<string, Record<string, string>> = {
      none: {},
      'no JWT': { Authorization: 'Bearer hello' },
      'only a cookie': { Cookie: `session=${await sign()}` },
      'another audience': await bearer({ audience: 'another-site' }),
      'another issuer': await bearer({ issuer: 'https://evil.example/' }),
      expired: await bearer({ endsAt: '1 minute ago' }),
      'another key': await bearer({ key: otherKey }),
      'the public key as a secret': await bearer({ key: publicText, alg: 'HS256' }),
      'no id': await bearer({ claims: {} }),
      'an empty id': await bearer({ claims: { sub: '' } }),
      unsigned: {
        Authorization: `Bearer ${btoa('{"alg":"none"}')}.${btoa('{"sub":"ada"}')}.`.replaceAll(
          '=',
          '',
        ),
      },
    };
    for (const [what, headers] of Object.entries(wrong)) {
      const answer = await ask(url, headers);
      expect([what, answer.status]).toEqual([what, 401]);
      expect(await answer.json()).toMatchObject({ code: 'unauthorized', reason: 'signed_out' });
    }
  });

  it('answers 503 while the keys can not be had, and works again when they can', async () => {
    const { broker, url } = await serve(settings());
    isDown = true;
    const answer = await ask(url, await bearer());
    isDown = false;
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('secret of the provider');
    expect(broker.output.stdout).not.toContain('secret of the provider');
    expect((await ask(url, await bearer())).status).toBe(200);
  });

  it('says what is missing, and exits 2', async () => {
    const { code, stderr } = await runBroker(['serve', '--sandbox', '--port', '0'], {
      ...settings(),
      GUEST_TOKEN_JWT_AUDIENCE: '',
    });
    expect(stderr).toMatch(/^Set GUEST_TOKEN_JWT_ISSUER and GUEST_TOKEN_JWT_AUDIENCE /);
    expect(code).toBe(2);
  });

  it('fetches no keys in the clear', async () => {
    const { code, stderr } = await runBroker(['serve', '--sandbox', '--port', '0'], {
      ...settings(),
      GUEST_TOKEN_JWKS_URL: 'http://id.shop.example/jwks.json',
    });
    expect(stderr).toMatch(/^Set GUEST_TOKEN_JWKS_URL to an https URL/);
    expect(code).toBe(2);
  });
});

describe('the keys of the identity provider', () => {
  afterEach(() => {
    isDown = false;
    vi.useRealTimers();
  });

  /** The id of whoever sends such a JWT; null: nobody that is known. */
  async function visitorOf(authorize: Authorize, token?: Token): Promise<string | null> {
    const request = new Request('http://127.0.0.1/', { headers: await bearer(token) });
    return (await authorize(request))?.externalId ?? null;
  }

  function passMs(ms: number): void {
    vi.advanceTimersByTime(ms);
  }

  const known = (): Authorize =>
    signedInVisitors({
      jwksUrl: provider.url,
      issuer: ISSUER,
      audience: AUDIENCE,
      claim: 'sub',
      cookie: undefined,
    });

  it('are used for an hour after they last came, while none come', async () => {
    fakeClocks({ timers: false });
    const authorize = known();
    expect(await visitorOf(authorize)).toBe('ada');
    isDown = true;
    passMs(50 * 60_000);
    expect(await visitorOf(authorize)).toBe('ada');
    passMs(11 * 60_000);
    await expect(visitorOf(authorize)).rejects.toMatchObject({ code: 'unavailable' });
    isDown = false;
    expect(await visitorOf(authorize)).toBe('ada');
  });

  it('are not read to the end where the provider sends megabytes of them', async () => {
    const before = published;
    published = { ...before, x5c: ['A'.repeat(2_000_000)] };
    try {
      await expect(visitorOf(known())).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      published = before;
    }
  });

  it('may be replaced: a new one works, and an old one no longer than ten minutes', async () => {
    fakeClocks({ timers: false });
    const authorize = known();
    expect(await visitorOf(authorize)).toBe('ada');
    const before = published;
    const pair = await generateKeyPair('ES256');
    published = { ...(await exportJWK(pair.publicKey)), kid: 'two', alg: 'ES256' };
    try {
      passMs(31_000);
      const signedAnew = { key: pair.privateKey, kid: 'two' };
      expect(await visitorOf(authorize, signedAnew)).toBe('ada');
      passMs(10 * 60_000);
      expect(await visitorOf(authorize)).toBe(null);
    } finally {
      published = before;
    }
  });
});
