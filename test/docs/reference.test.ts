// @vitest-environment node
// Every option, field and event is in README, with its default. The lists below are held to the types
// by the compiler: whoever adds to a type has to add here, and then to README.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type GuestFetchOptions,
  type ReadGuestTokenOptions,
  readGuestToken,
} from '../../src/core/index.ts';
import {
  type EndpointTokenSourceOptions,
  GuestTokenError,
  type GuestTokenEvent,
  type GuestTokenProviderProps,
  type GuestTokenView,
  guestTokenQueryOptions,
  retryDelayMs,
  shouldRetry,
} from '../../src/index.ts';
import type {
  SandboxFaultKind,
  SandboxOperation,
  SandboxSettings,
} from '../../src/sandbox/index.ts';
import type {
  AnonymousVisitorsOptions,
  AuthenticatedWebMessagingOptions,
  AuthorizedVisitor,
  BrokerEvent,
  BrokerLimits,
  GuestTokenBrokerOptions,
  MemoryTokenPoolOptions,
  RedisTokenPoolOptions,
  WebchatVisitorsOptions,
} from '../../src/server/index.ts';
import type { ProblemReason } from '../../src/server/problem.ts';
import type { GuestTokenTestProviderProps } from '../../src/testing/index.ts';
import { codesOf, root, sectionOf, tableOf } from './markdown.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

type NamesOf<Type> = Record<Type extends string ? Type : keyof Type, true>;

const sections: [heading: string, what: string, names: Record<string, true>][] = [
  [
    'useGuestToken',
    'field',
    {
      status: true,
      token: true,
      visitorId: true,
      expiresAtMs: true,
      error: true,
      retryAtMs: true,
      isFetching: true,
      getToken: true,
      refresh: true,
    } satisfies NamesOf<GuestTokenView>,
  ],
  [
    'Events',
    'event',
    {
      acquiring: true,
      acquired: true,
      retrying: true,
      failed: true,
      expired: true,
      'fallback-expiry': true,
      'clock-skew': true,
      shared: true,
      rejected: true,
      'signed-out': true,
      'storage-failed': true,
    } satisfies NamesOf<GuestTokenEvent['type']>,
  ],
  [
    'Health, log lines and events',
    'event of the broker',
    {
      issued: true,
      pooled: true,
      'upstream-call': true,
      'upstream-queue': true,
      failed: true,
      'pool-unavailable': true,
      'pool-unreadable': true,
      'circuit-opened': true,
      'circuit-closed': true,
      limited: true,
      'address-unknown': true,
    } satisfies NamesOf<BrokerEvent['type']>,
  ],
  [
    'Reasons',
    'reason',
    {
      address_limit: true,
      authorize_failed: true,
      body_already_read: true,
      body_incomplete: true,
      body_too_long: true,
      body_too_slow: true,
      channel_not_allowed: true,
      circuit_open: true,
      foreign_origin: true,
      invalid_field: true,
      new_visitors_limit: true,
      not_json: true,
      other_visitor: true,
      pool_unavailable: true,
      reauthenticate: true,
      redirected: true,
      signed_out: true,
      upstream_limit: true,
      visitor_limit: true,
      wrong_method: true,
      wrong_visitor: true,
    } satisfies NamesOf<ProblemReason>,
  ],
  [
    'Limits and pacing',
    'limit',
    {
      perVisitor: true,
      perIp: true,
      newVisitorsPerIp: true,
      ipv6PrefixLength: true,
      trustedProxies: true,
      upstream: true,
      maxWaitMs: true,
      redis: true,
      prefix: true,
    } satisfies NamesOf<BrokerLimits>,
  ],
  [
    'webchatVisitors',
    'option',
    {
      clientId: true,
      clientSecret: true,
      environment: true,
      channelId: true,
      apiUrl: true,
      loginUrl: true,
      path: true,
      toBody: true,
      fromReply: true,
      accessToken: true,
      fetch: true,
    } satisfies NamesOf<WebchatVisitorsOptions>,
  ],
  [
    'authenticatedWebMessaging',
    'option',
    {
      deploymentId: true,
      environment: true,
      apiUrl: true,
      grant: true,
      refreshLifeSeconds: true,
      fetch: true,
    } satisfies NamesOf<AuthenticatedWebMessagingOptions>,
  ],
  [
    'Everything that is exported',
    'option',
    {
      ...({
        headers: true,
        credentials: true,
        fetch: true,
        timeoutMs: true,
        onUnauthorized: true,
      } satisfies NamesOf<EndpointTokenSourceOptions>),
      ...({ session: true, origins: true, fetch: true } satisfies NamesOf<GuestFetchOptions>),
      ...({
        requestedAt: true,
        fallbackTtlMs: true,
        expiryBufferMs: true,
      } satisfies NamesOf<ReadGuestTokenOptions>),
      ...({
        issuer: true,
        authorize: true,
        allowedOrigins: true,
        allowedChannels: true,
        pool: true,
        limits: true,
        onEvent: true,
        identityKey: true,
      } satisfies NamesOf<GuestTokenBrokerOptions>),
      ...({
        externalId: true,
        attributes: true,
        anonymous: true,
        setCookie: true,
        isNew: true,
      } satisfies NamesOf<AuthorizedVisitor>),
      ...({
        cookieSecret: true,
        cookieName: true,
        maxAgeSeconds: true,
        sameSite: true,
      } satisfies NamesOf<AnonymousVisitorsOptions>),
      ...({ max: true } satisfies NamesOf<MemoryTokenPoolOptions>),
      ...({ encryptionKey: true, prefix: true } satisfies NamesOf<RedisTokenPoolOptions>),
    },
  ],
  [
    'A component in one state',
    'prop',
    {
      status: true,
      token: true,
      visitorId: true,
      expiresAtMs: true,
      error: true,
      retryAtMs: true,
      isFetching: true,
      fetch: true,
      onRefresh: true,
    } satisfies NamesOf<Omit<GuestTokenTestProviderProps, 'children'>>,
  ],
  [
    'Faults',
    'fault, operation or setting',
    {
      ...({
        'rate-limited': true,
        unauthorized: true,
        forbidden: true,
        unavailable: true,
        hang: true,
        slow: true,
        cut: true,
        html: true,
        'opaque-token': true,
        'empty-token': true,
        'wrong-clock': true,
        'short-life': true,
        'expired-token': true,
        'exp-in-ms': true,
        'unknown-class': true,
        'foreign-tracing-id': true,
      } satisfies NamesOf<SandboxFaultKind>),
      ...({
        login: true,
        visitor: true,
        createConversation: true,
        conversation: true,
        exchange: true,
        refresh: true,
        revoke: true,
        history: true,
        connect: true,
        configureSession: true,
        configureAuthenticatedSession: true,
        getJwt: true,
        echo: true,
        onMessage: true,
      } satisfies NamesOf<SandboxOperation>),
      ...({
        tokenLifeSeconds: true,
        accessTokenLifeSeconds: true,
        requestsPerMinute: true,
        clockOffsetMs: true,
        sessionLifeSeconds: true,
        agentDelayMs: true,
        messagingLimits: true,
      } satisfies NamesOf<SandboxSettings>),
    },
  ],
];

describe('README', () => {
  it.each(sections)('tells under "%s" of every %s', (heading, _what, names) => {
    const words = new Set(
      codesOf(sectionOf(readme, heading)).flatMap((code) => code.match(/[\w-]+/g) ?? []),
    );
    expect(Object.keys(names).filter((name) => !words.has(name))).toEqual([]);
  });
});

/** A prop's default as the code has it; where nothing public shows it, as the type's comment says. */
const defaults: Record<keyof GuestTokenProviderProps, (() => unknown) | undefined> = {
  externalId: undefined,
  channelId: () => identity().channelId,
  attributes: undefined,
  source: () => identity().source,
  expiryBufferMs: () => readGuestToken(opaque()).bufferMs,
  fallbackTtlMs: () => Math.round(readGuestToken(opaque()).lifeMs),
  retry: () => ({
    attempts: 1 + [0, 1, 2, 3, 4].filter((count) => shouldRetry(count, failure())).length,
    minDelayMs: retryDelayMs(0, failure()),
    maxDelayMs: retryDelayMs(20, failure()),
    maxRetryAfterMs: [59_000, 60_000, 61_000].findLast((ms) => shouldRetry(0, failure(ms))),
  }),
  keepFresh: () => commentedDefault('keepFresh'),
  shareAcrossTabs: () => commentedDefault('shareAcrossTabs'),
  storage: () => commentedDefault('storage'),
  onEvent: undefined,
  origins: undefined,
  queryClient: undefined,
  children: undefined,
};

describe("README's props", () => {
  const rows = new Map(
    tableOf(sectionOf(readme, 'GuestTokenProvider'), 'Prop').map(([prop = '', value = '']) => [
      prop.replaceAll('`', ''),
      value.replaceAll('`', ''),
    ]),
  );

  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('are all of them', () => {
    expect([...rows.keys()].sort()).toEqual(Object.keys(defaults).sort());
  });

  it.each(Object.entries(defaults).filter(([, inCode]) => inCode))(
    'have the default of %s right',
    (prop, inCode) => {
      vi.useFakeTimers();
      vi.spyOn(Math, 'random').mockReturnValue(0);
      expect(literalOf(rows.get(prop) ?? '')).toEqual(inCode?.());
    },
  );
});

/** A default as README writes it: a literal, with `_` between thousands. */
function literalOf(text: string): unknown {
  return JSON.parse(text.replace(/(\d)_(?=\d)/g, '$1').replace(/(\w+):(?= )/g, '"$1":'));
}

function identity(): { channelId: string; source: string } {
  return guestTokenQueryOptions({ externalId: 'ada' }).queryKey[1];
}

/** A token whose expiry can't be read. */
function opaque(): object {
  return { id: 'guest', token: 'opaque', created_time: new Date().toISOString() };
}

function failure(waitMs?: number): GuestTokenError {
  const retryAtMs = waitMs === undefined ? undefined : Date.now() + waitMs;
  return new GuestTokenError('rate_limited', 'Busy.', { retryAtMs });
}

/** `Default …` in the comment of the config's type, wherever that is. */
function commentedDefault(prop: string): unknown {
  const sources = ['src/session', 'src/react'].flatMap((room) =>
    readdirSync(join(root, room)).map((file) => readFileSync(join(root, room, file), 'utf8')),
  );
  const declared = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${prop}\\?:`);
  const comment = declared.exec(sources.join('\n'))?.[1] ?? '';
  const value = /Default `?("[^"]*"|\w+)/.exec(comment) ?? /`("[^"]*")` \(default\)/.exec(comment);
  return JSON.parse(value?.[1] ?? 'null');
}
