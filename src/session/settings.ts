import { DEFAULT_CHANNEL_ID, DEFAULT_ENDPOINT } from '../core/defaults.ts';
import { assertOption } from '../core/errors.ts';
import type { GuestTokenEvent } from '../core/events.ts';
import { DEFAULT_EXPIRY_BUFFER_MS, DEFAULT_FALLBACK_TTL_MS } from '../core/expiry.ts';
import { isText } from '../core/json.ts';
import { withDefaults } from '../core/options.ts';
import {
  assertDuration,
  type RetryPolicy,
  type RetrySettings,
  retryPolicy,
} from '../core/retryPolicy.ts';
import { endpointTokenSource, type GuestTokenSource } from '../core/tokenSource.ts';
import type { KeepFresh } from './schedule.ts';

/** What a token is for, where it comes from, and how it is kept. */
export interface GuestTokenConfig {
  /** Who the token is for, as your site knows the visitor. `null`: nobody is here, no request. */
  externalId: string | null;
  /** Genesys' channel. Default `"webchat-default"` (the reference's). */
  channelId?: string | undefined;
  /** Sent at acquisition; not part of the identity, so a change asks for nothing. */
  attributes?: Readonly<Record<string, unknown>> | undefined;
  /** URL of the broker, or a function. Default `"/api/guest-token"`. */
  source?: string | GuestTokenSource | undefined;
  /** Ms before the end at which a token is replaced; at most a fifth of its life. Default 60,000. */
  expiryBufferMs?: number | undefined;
  /** Ms; life of a token whose expiry can't be read. Default 86,400,000. */
  fallbackTtlMs?: number | undefined;
  /** How often and how patiently a round asks. */
  retry?: RetrySettings | undefined;
  /**
   * `"while-visible"` (default): no requests while the page is hidden. `"always"`: also while hidden,
   * for a conversation that goes on. `"on-demand"`: only when a token is asked for.
   */
  keepFresh?: KeepFresh | undefined;
  /** One request for all tabs of a visitor. Default true. */
  shareAcrossTabs?: boolean | undefined;
  /** `"session"` keeps the token in sessionStorage over page loads. Default `"memory"`. */
  storage?: 'memory' | 'session' | undefined;
  /** Told what happens in the token's life; never a token. */
  onEvent?: ((event: GuestTokenEvent) => void) | undefined;
}

type Filled = {
  readonly [Name in keyof GuestTokenConfig]-?: Exclude<GuestTokenConfig[Name], undefined>;
};

/** A config with every default filled in and every value checked; nobody may be here. */
export interface CheckedConfig extends Filled {
  readonly source: GuestTokenSource;
  readonly retry: RetryPolicy;
}

/** The same for somebody. */
export type GuestTokenSettings = CheckedConfig & { readonly externalId: string };

export type GuestTokenQueryKey = readonly [
  'guest-token',
  { readonly externalId: string | null; readonly channelId: string; readonly source: string },
];

const defaults = {
  channelId: DEFAULT_CHANNEL_ID,
  attributes: {},
  source: DEFAULT_ENDPOINT,
  expiryBufferMs: DEFAULT_EXPIRY_BUFFER_MS,
  fallbackTtlMs: DEFAULT_FALLBACK_TTL_MS,
  retry: {},
  keepFresh: 'while-visible',
  shareAcrossTabs: true,
  storage: 'memory',
  onEvent: () => undefined,
} satisfies Omit<Filled, 'externalId'>;

/** Everything that changes who the token is for, and nothing else. */
export function guestTokenQueryKey(config: CheckedConfig): GuestTokenQueryKey {
  const { externalId, channelId, source } = config;
  return ['guest-token', { externalId, channelId, source: source.key ?? 'custom' }];
}

export function isSomebody(config: CheckedConfig): config is GuestTokenSettings {
  return config.externalId !== null;
}

/**
 * Checks a config and fills in its defaults; an `undefined` never beats one.
 *
 * @throws GuestTokenError `misconfigured`, naming the option
 */
export function guestTokenSettings(config: GuestTokenConfig): CheckedConfig {
  const { externalId } = config;
  const filled = withDefaults<Filled>({ ...defaults, externalId }, config);
  const { channelId, source, expiryBufferMs, fallbackTtlMs, keepFresh, storage } = filled;
  const isId = externalId === null || isText(externalId);
  assertOption('externalId', isId, 'must be text; pass null while loading');
  assertOption('channelId', isText(channelId), 'must be text');
  assertDuration('expiryBufferMs', expiryBufferMs);
  assertDuration('fallbackTtlMs', fallbackTtlMs || -1);
  assertOneOf('keepFresh', keepFresh, 'while-visible', 'always', 'on-demand');
  assertOneOf('storage', storage, 'memory', 'session');
  return {
    ...filled,
    source: typeof source === 'function' ? source : endpointTokenSource(source),
    retry: retryPolicy(filled.retry),
  };
}

function assertOneOf(option: string, value: string, ...allowed: string[]): void {
  assertOption(option, allowed.includes(value), `must be ${allowed.join(' or ')}`);
}
