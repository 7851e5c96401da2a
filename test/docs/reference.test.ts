// @vitest-environment node
// Every option, field and event is in the docs, with its default. The lists below are held to the types
// by the compiler: whoever adds to a type has to add here, and then to the page.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { usage } from '../../src/bin/settings/usage.ts';
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
import type { GuestTokenTestProviderProps } from '../../src/testing/index.ts';
import { documentAt } from './documents.ts';
import { codesOf, root, sectionOf, tableOf } from './markdown.ts';

type NamesOf<Type> = Record<Type extends string ? Type : keyof Type, true>;

const sections: [path: string, heading: string, what: string, names: Record<string, true>][] = [
  [
    'reference/client',
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
    'guides/widget',
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
    'operations/broker',
    'Events',
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
    'operations/broker',
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
    'guides/issuers',
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
    'guides/issuers',
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
    'reference/client',
    'endpointTokenSource',
    'option',
    {
      headers: true,
      credentials: true,
      fetch: true,
      timeoutMs: true,
      onUnauthorized: true,
    } satisfies NamesOf<EndpointTokenSourceOptions>,
  ],
  [
    'reference/client',
    'Core',
    'option',
    {
      ...({ session: true, origins: true, fetch: true } satisfies NamesOf<GuestFetchOptions>),
      ...({
        requestedAt: true,
        fallbackTtlMs: true,
        expiryBufferMs: true,
      } satisfies NamesOf<ReadGuestTokenOptions>),
    },
  ],
  [
    'reference/server',
    'createGuestTokenBroker',
    'option',
    {
      issuer: true,
      authorize: true,
      allowedOrigins: true,
      allowedChannels: true,
      pool: true,
      limits: true,
      onEvent: true,
      identityKey: true,
    } satisfies NamesOf<GuestTokenBrokerOptions>,
  ],
  [
    'reference/server',
    'authorize',
    'field',
    {
      externalId: true,
      attributes: true,
      anonymous: true,
      setCookie: true,
      isNew: true,
    } satisfies NamesOf<AuthorizedVisitor>,
  ],
  [
    'reference/server',
    'anonymousVisitors',
    'option',
    {
      cookieSecret: true,
      cookieName: true,
      maxAgeSeconds: true,
      sameSite: true,
    } satisfies NamesOf<AnonymousVisitorsOptions>,
  ],
  [
    'reference/server',
    'Pools',
    'option',
    {
      ...({ max: true } satisfies NamesOf<MemoryTokenPoolOptions>),
      ...({ encryptionKey: true, prefix: true } satisfies NamesOf<RedisTokenPoolOptions>),
    },
  ],
  [
    'guides/testing',
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
    'guides/testing',
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

const pageOf = (path: string): string => documentAt(`stories/docs/${path}.mdx`).text;
const namesIn = (text: string): Set<string> =>
  new Set(codesOf(text).flatMap((code) => code.match(/[\w-]+/g) ?? []));

describe('the docs', () => {
  it.each(sections)('%s tells under "%s" of every %s', (path, heading, _what, names) => {
    const words = namesIn(sectionOf(pageOf(path), heading));
    expect(Object.keys(names).filter((name) => !words.has(name))).toEqual([]);
  });

  it.each([
    ['index', 'reference/client'],
    ['core', 'reference/client'],
    ['server', 'reference/server'],
    ['sandbox', 'guides/testing'],
    ['testing', 'guides/testing'],
  ])('have every export of %s on the page %s', (entry, path) => {
    const surface = documentAt(`test/package/surface/${entry}.txt`).text.trim().split('\n');
    const values = surface.filter((line) => !line.startsWith('type '));
    const words = namesIn(pageOf(path));
    expect(values.length).toBeGreaterThan(0);
    expect(values.filter((name) => !words.has(name))).toEqual([]);
  });

  it('have every variable and option of the command line', () => {
    const words = usage().match(/\b[A-Z]+(?:_[A-Z]+)+\b|--[a-z-]+/g) ?? [];
    const named = words.filter((name) => !name.endsWith('_FILE'));
    expect(named).toEqual(expect.arrayContaining(['GENESYS_CLIENT_ID', '--sandbox']));
    const page = codesOf(pageOf('operations/commandLine')).join('\n');
    expect([...new Set(named)].filter((name) => !page.includes(name))).toEqual([]);
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

describe("the provider's props", () => {
  const rows = new Map(
    tableOf(sectionOf(pageOf('reference/client'), 'GuestTokenProvider'), 'Prop').map(
      ([prop = '', value = '']) => [prop.replaceAll('`', ''), value.replaceAll('`', '')],
    ),
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

/** A default as the page writes it: a literal, with `_` between thousands. */
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
