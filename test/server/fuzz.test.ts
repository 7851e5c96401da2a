/// <reference types="vite/client" />
// @vitest-environment node
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { anonymousVisitors } from '../../src/server/anonymousVisitors.ts';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import type { BrokerEvent } from '../../src/server/events.ts';
import { authenticatedWebMessaging } from '../../src/server/issuers/authenticatedWebMessaging.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { BLOG, MARK, type Upstream, type World, world } from './hostile.ts';
import { authorize, problem, reply } from './shop.ts';

// `npm run fuzz` runs this file with --mode soak, and other cases each time; VITE_SEED=… repeats them.
const soaking = import.meta.env.MODE === 'soak';
const numRuns = soaking ? 4_000 : 300;
const seed = Number(import.meta.env.VITE_SEED ?? (soaking ? Date.now() % 2 ** 31 : 1));

const CLIENT_SECRET = 'client-secret-hunter2';
const COOKIE_SECRET = 'cookie-secret-of-thirty-two-characters';

beforeEach(() =>
  vi.useFakeTimers({
    toFake: ['Date', 'setTimeout', 'clearTimeout'],
    now: Date.UTC(2026, 2, 1),
  }),
);
afterEach(() => vi.useRealTimers());

test(`${numRuns} worlds of hostile pages and broken upstreams: a problem document or a good reply, and nothing that is not meant for them`, {
  timeout: 1_200_000,
}, async () => {
  const statuses = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(world, (one) => live(one, statuses)),
    { numRuns, seed, endOnFailure: true },
  );
  const requests = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  // or else all were stopped at the door
  for (const status of ['200', '204', '400', '401', '403', '413', '429', '502', '503', '504']) {
    expect(statuses.get(status) ?? 0, `answers ${status}`).toBeGreaterThan(0);
  }
  if (!soaking) return;
  expect(requests).toBeGreaterThan(10_000);
  const counts = [...statuses].toSorted().map(([status, count]) => `${status}: ${count}`);
  process.stdout.write(
    `worlds: ${numRuns}, requests: ${requests} (seed ${seed})\n${counts.join(', ')}\n`,
  );
});

async function live(
  { visitors, issuer: kind, limits, steps }: World,
  statuses: Map<string, number>,
): Promise<void> {
  const events: BrokerEvent[] = [];
  /** Whose a token is: who it was issued for, and the browser that has got it. */
  const owners = new Map<string, string>();
  const holders = new Map<string, string | null>();
  const cookies = new Map<string | null, string>();
  const secrets = new Set([CLIENT_SECRET, COOKIE_SECRET, MARK]);
  let step: World['steps'][number] | undefined;
  let serial = 0;

  function goodReply(url: string, init: RequestInit | undefined): Response {
    if (url.endsWith('/oauth/token')) {
      const access_token = `access-${serial++}-secret`;
      secrets.add(access_token);
      return Response.json({ access_token, token_type: 'bearer', expires_in: 3600 });
    }
    const { externalId, oauth } = JSON.parse(String(init?.body));
    const guest = fakeGuestToken({ lifeSeconds: 900, jti: serial++ });
    const owner = externalId ?? oauth?.code;
    if (owner !== undefined) owners.set(guest, owner);
    return Response.json({
      ...{ id: 'visitor', token: guest, external_id: externalId },
      ...{ jwt: guest, refreshToken: `refresh-${MARK}` },
    });
  }

  const send: typeof fetch = async (input, init) => {
    const url = String(input);
    const what: Upstream = (url.includes('//login.') ? step?.login : step?.api) ?? { kind: 'good' };
    switch (what.kind) {
      case 'good':
        return goodReply(url, init);
      case 'throws':
        throw what.thrown;
      case 'hangs':
        return new Promise(() => undefined);
      case 'breaks off':
        return new Response(
          new ReadableStream({ start: (controller) => controller.error(new TypeError(MARK)) }),
        );
      default: {
        const isEmpty = [204, 205, 304].includes(what.status);
        return new Response(isEmpty ? null : what.body, what);
      }
    }
  };

  const issuers = {
    webchat: () =>
      webchatVisitors({ clientId: 'client', clientSecret: CLIENT_SECRET, fetch: send }),
    messaging: () =>
      authenticatedWebMessaging({
        deploymentId: 'deployment',
        fetch: send,
        // the code names the visitor, so that the sandbox knows whose token it is
        grant: ({ externalId }) => ({ code: externalId, redirectUri: 'https://shop.example' }),
      }),
  };
  const broker = createGuestTokenBroker({
    issuer: issuers[kind as keyof typeof issuers](),
    authorize:
      visitors === 'anonymous' ? anonymousVisitors({ cookieSecret: COOKIE_SECRET }) : authorize,
    allowedOrigins: [BLOG],
    limits,
    onEvent: (event) => events.push(event),
  });

  for (step of steps) {
    vi.setSystemTime(Date.now() + step.passMs);
    const { user, method, body: text, headers } = step.request;
    const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(method);
    const sent = new Request('https://shop.example/api/guest-token', {
      method,
      headers: {
        Cookie: cookies.get(user) ?? '',
        ...headers,
        ...(user !== null && { 'X-User': encodeURIComponent(user) }),
      },
      body: hasBody ? text : null,
    });
    const response = await whileTimePasses(broker(sent));
    statuses.set(String(response.status), (statuses.get(String(response.status)) ?? 0) + 1);
    const cookie = response.headers.get('Set-Cookie');
    if (cookie) cookies.set(user, cookie.split(';')[0] ?? '');
    const copy = response.clone();
    const shown = JSON.stringify([[...copy.headers], await copy.text(), events]);
    // a page may hear its own words in a preflight, as CORS has it
    if (method !== 'OPTIONS') for (const secret of secrets) expect(shown).not.toContain(secret);
    if (response.status === 204) {
      expect(method).toBe('OPTIONS');
    } else if (response.status === 200) {
      const answer = await reply(response);
      expect(answer.id).toMatch(/\S/);
      expect(answer.token).toMatch(/^[\x21-\x7e]+$/);
      expect(answer.expires_in).toBeGreaterThanOrEqual(0);
      const owner = owners.get(answer.token);
      if (owner !== undefined) {
        if (visitors === 'signed in') expect(owner).toBe(user);
        expect(holders.get(answer.token) ?? user).toBe(user);
        holders.set(answer.token, user);
      }
      expect(events.at(-1)?.type).toMatch(/issued|pooled/);
    } else {
      const { retryAfter } = await problem(response);
      expect(retryAfter ?? '1').toMatch(/^[1-9]\d*$/);
      expect(events.at(-1)?.type).toBe('failed');
    }
  }
  expect(vi.getTimerCount()).toBeLessThanOrEqual(8);
  vi.clearAllTimers();
}

/**
 * Waits for an answer: fake time passes, and between its steps there is room for real work such as
 * hashing, which it does not speed up. A broker that hangs does so for a day of fake time.
 */
async function whileTimePasses(answer: Promise<Response>): Promise<Response> {
  let isThere = false;
  const noticed = answer.finally(() => {
    isThere = true;
  });
  noticed.catch(() => undefined);
  const giveUpAt = process.hrtime.bigint() + 20_000_000_000n;
  for (let turn = 1; !isThere; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (turn % 40 === 0) vi.advanceTimersByTime(500);
    if (process.hrtime.bigint() > giveUpAt) throw new Error('The broker does not answer.');
  }
  return noticed;
}
