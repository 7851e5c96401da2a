// @vitest-environment node
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import {
  authenticatedWebMessaging,
  type SignInGrant,
} from '../../src/server/issuers/authenticatedWebMessaging.ts';
import { fakeClocks } from './limits/clock.ts';
import { ask, openShop, problem, reply, type Shop } from './shop.ts';

const REDIRECT_URI = 'https://shop.example/signed-in';
const VERIFIER = 'a-verifier-of-forty-three-characters-or-more';
const MINUTE_MS = 60_000;

beforeEach(() => fakeClocks({ timers: false }));
afterEach(() => vi.useRealTimers());

const pass = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);

interface MessagingShop extends Shop {
  readonly genesys: SandboxCloud;
  /** The visitor comes back from the identity provider. */
  signIn(user?: string): void;
}

function openMessaging(through?: (send: typeof fetch) => typeof fetch): MessagingShop {
  const genesys = createSandboxCloud();
  const grants = new Map<string, SignInGrant>();
  const issuer = authenticatedWebMessaging({
    deploymentId: 'sandbox-deployment',
    fetch: through?.(genesys.fetch) ?? genesys.fetch,
    grant({ externalId }) {
      const grant = grants.get(externalId) ?? null;
      grants.delete(externalId);
      return grant;
    },
  });
  function signIn(user = 'ada'): void {
    const codeChallenge = createHash('sha256').update(VERIFIER).digest('base64url');
    const code = genesys.signIn({ externalId: user, codeChallenge, redirectUri: REDIRECT_URI });
    grants.set(user, { code, redirectUri: REDIRECT_URI, codeVerifier: VERIFIER });
  }
  return { ...openShop({ issuer }), genesys, signIn };
}

describe('authenticated web messaging', () => {
  it('a code with PKCE becomes a token of 15 minutes; no OAuth client is needed', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    const { id, expires_in } = await reply(broker(ask()));
    expect([id, expires_in]).toEqual(['ada', 900]);
    expect(genesys.requests).toHaveLength(1);
    const [{ headers, body, path } = {}] = genesys.requests;
    expect(path).toBe('/api/v2/webdeployments/token/oauthcodegrantjwtexchange');
    expect(headers?.get('Authorization')).toBeNull();
    expect(body).toEqual({
      deploymentId: 'sandbox-deployment',
      oauth: { code: expect.any(String), redirectUri: REDIRECT_URI, codeVerifier: VERIFIER },
    });
  });

  it('a code is asked for once: later requests get the pooled token', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    const { token } = await reply(broker(ask()));
    expect((await reply(broker(ask()))).token).toBe(token);
    expect(genesys.count()).toBe(1);
  });

  it('it is renewed by the refresh token, for as long as that lives, without the visitor', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    const tokens = new Set([(await reply(broker(ask()))).token]);
    for (let quarter = 1; quarter < 90; quarter++) {
      pass(15 * MINUTE_MS);
      const { token, expires_in } = await reply(broker(ask()));
      expect(expires_in).toBe(900);
      tokens.add(token);
    }
    expect(tokens.size).toBe(90);
    expect([genesys.count('exchange'), genesys.count('refresh')]).toEqual([1, 89]);
  });

  it('the refresh token never reaches a browser', async () => {
    let refreshToken = 'none yet';
    const { broker, events, signIn } = openMessaging((send) => async (input, init) => {
      const response = await send(input, init);
      const body = await response.clone().json();
      refreshToken = body.refreshToken ?? refreshToken;
      return response;
    });
    signIn();
    const answers = [await reply(broker(ask()))];
    pass(15 * MINUTE_MS);
    answers.push(await reply(broker(ask())));
    expect(refreshToken).toHaveLength(36);
    expect(JSON.stringify([answers, events])).not.toContain(refreshToken);
    expect(Object.keys(answers[0] ?? {})).not.toContain('refresh_token');
  });

  it('a network failure keeps the refresh token', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    await reply(broker(ask()));
    pass(15 * MINUTE_MS);
    for (const fault of ['cut', 'unavailable', 'html'] as const) {
      genesys.fault('refresh', fault, { times: 1 });
      expect((await problem(broker(ask()))).status).toBeGreaterThanOrEqual(500);
    }
    genesys.fault('refresh', { kind: 'rate-limited', seconds: 1 }, { times: 1 });
    expect(await problem(broker(ask()))).toMatchObject({ status: 429, retryAfter: '1' });
    pass(1_000);
    await reply(broker(ask()));
    expect(genesys.count('exchange')).toBe(1);
  });

  it('when it is over the visitor must sign in again, and is told so; the old one is not tried again', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    await reply(broker(ask()));
    pass(24 * 60 * MINUTE_MS - 1);
    genesys.fault('refresh', { kind: 'unauthorized', code: 'credentials.expired' }, { times: 1 });
    for (let time = 0; time < 3; time++) {
      expect(await problem(broker(ask()))).toMatchObject({
        status: 401,
        code: 'unauthorized',
        hint: expect.stringMatching(/^reauthenticate: /),
      });
    }
    expect(genesys.count('refresh')).toBe(1);
    signIn();
    await reply(broker(ask()));
    expect(genesys.count('exchange')).toBe(2);
  });

  it('a sign-in that is waiting takes the place of a refresh token that is over', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    await reply(broker(ask()));
    pass(15 * MINUTE_MS);
    genesys.fault('refresh', 'unauthorized', { times: 1 });
    signIn();
    await reply(broker(ask()));
    expect([genesys.count('exchange'), genesys.count('refresh')]).toEqual([2, 1]);
  });

  it('without a sign-in there is no call', async () => {
    const { broker, genesys } = openMessaging();
    expect(await problem(broker(ask()))).toMatchObject({
      status: 401,
      hint: expect.stringMatching(/^reauthenticate: /),
    });
    expect(genesys.count()).toBe(0);
  });

  it('a code that was used, or has a wrong verifier, is not replayed', async () => {
    const genesys = createSandboxCloud();
    const code = genesys.signIn({ externalId: 'ada', codeChallenge: 'of-another-verifier' });
    const issuer = authenticatedWebMessaging({
      deploymentId: 'sandbox-deployment',
      fetch: genesys.fetch,
      grant: () => ({ code, redirectUri: REDIRECT_URI, codeVerifier: VERIFIER }),
    });
    const { broker } = openShop({ issuer });
    const refused = await problem(broker(ask()));
    expect(refused).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(genesys.count('exchange')).toBe(1);
    expect(JSON.stringify(refused)).not.toContain(code);
  });

  it('an answer without a jwt, or with one that does not tell its end, is none', async () => {
    const bodies = [{}, { jwt: '' }, { jwt: 7 }, { jwt: 'opaque' }];
    const codes = [];
    for (const body of bodies) {
      const { broker, signIn } = openMessaging(() => async () => Response.json(body));
      signIn();
      codes.push((await problem(broker(ask()))).code);
    }
    expect(codes).toEqual([
      'malformed_reply',
      'malformed_reply',
      'malformed_reply',
      'unknown_expiry',
    ]);
  });

  it.each([
    [{ deploymentId: '' }, 'deploymentId'],
    [{ environment: 'https://x' }, 'environment'],
  ])('%j is refused at construction', (options, named) => {
    const given = { deploymentId: 'd', grant: () => null, ...options };
    expect(() => authenticatedWebMessaging(given)).toThrow(`Option "${named}"`);
  });
});

describe('sign-out', () => {
  it('revokes the token at Genesys, with the refresh token, and forgets both', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    const { token } = await reply(broker(ask()));
    await broker.signOut({ externalId: 'ada' });
    expect(genesys.requests.at(-1)).toMatchObject({ operation: 'revoke', method: 'DELETE' });
    expect(genesys.requests.at(-1)?.headers.get('Authorization')).toBe(`Bearer ${token}`);
    expect(await problem(broker(ask()))).toMatchObject({ status: 401 });
    expect(genesys.count('refresh')).toBe(0);
  });

  it('finds the token whether or not the browser has named the default channel', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    await reply(broker(ask({ body: { channelId: 'webchat-default' } })));
    await broker.signOut({ externalId: 'ada' });
    expect(genesys.count('revoke')).toBe(1);
  });

  it('leaves other visitors and other channels alone', async () => {
    const { broker, genesys, signIn } = openMessaging();
    for (const user of ['ada', 'bob']) {
      signIn(user);
      await reply(broker(ask({ user })));
    }
    signIn('ada');
    await reply(broker(ask({ body: { channelId: 'sales' } })));
    await broker.signOut({ externalId: 'ada' });
    await reply(broker(ask({ user: 'bob' })));
    await reply(broker(ask({ body: { channelId: 'sales' } })));
    expect(genesys.count('exchange')).toBe(3);
    await broker.signOut({ externalId: 'ada', channelId: 'sales' });
    expect(genesys.count('revoke')).toBe(2);
  });

  it('a token that is over already counts as revoked; a failing Genesys is reported to who signs out', async () => {
    const { broker, genesys, signIn } = openMessaging();
    signIn();
    await reply(broker(ask()));
    genesys.fault('revoke', 'unauthorized', { times: 1 });
    await broker.signOut({ externalId: 'ada' });
    signIn();
    await reply(broker(ask()));
    genesys.fault('revoke', 'unavailable', { times: 1 });
    await expect(broker.signOut({ externalId: 'ada' })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await problem(broker(ask()))).toMatchObject({ status: 401 });
  });

  it('of somebody who has no token costs no call', async () => {
    const { broker, genesys } = openMessaging();
    await broker.signOut({ externalId: 'nobody' });
    expect(genesys.count()).toBe(0);
  });
});
