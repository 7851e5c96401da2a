import { misconfigured } from '../core/errors.ts';
import type { GuestTokenEvent } from '../core/events.ts';
import { DEFAULT_EXPIRY_BUFFER_MS, DEFAULT_FALLBACK_TTL_MS } from '../core/expiry.ts';
import {
  assertDuration,
  type RetryPolicy,
  type RetrySettings,
  retryPolicy,
} from '../core/retryPolicy.ts';
import { endpointTokenSource, type GuestTokenSource } from '../core/tokenSource.ts';

/** When the package asks for tokens by itself. */
export type KeepFresh = 'while-visible' | 'always' | 'on-demand';

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

/** A config with every default filled in and every value checked. */
export interface GuestTokenSettings {
  readonly externalId: string;
  readonly channelId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly source: GuestTokenSource;
  readonly expiryBufferMs: number;
  readonly fallbackTtlMs: number;
  readonly retry: RetryPolicy;
  readonly keepFresh: KeepFresh;
  readonly shareAcrossTabs: boolean;
  readonly storage: 'memory' | 'session';
  readonly onEvent: ((event: GuestTokenEvent) => void) | undefined;
}

export type GuestTokenQueryKey = readonly [
  'guest-token',
  { readonly externalId: string | null; readonly channelId: string; readonly source: string },
];

const DEFAULT_CHANNEL_ID = 'webchat-default';
const DEFAULT_SOURCE = '/api/guest-token';

/** Everything that changes who the token is for, and nothing else. */
export function guestTokenQueryKey(config: GuestTokenConfig): GuestTokenQueryKey {
  const { externalId, channelId = DEFAULT_CHANNEL_ID, source = DEFAULT_SOURCE } = config;
  return [
    'guest-token',
    {
      externalId,
      channelId,
      source: typeof source === 'string' ? source : (source.key ?? 'custom'),
    },
  ];
}

/**
 * Checks a config and fills in its defaults; an `undefined` never beats one.
 *
 * @returns null where nobody is here
 * @throws GuestTokenError `misconfigured`, naming the option
 */
export function guestTokenSettings(config: GuestTokenConfig): GuestTokenSettings | null {
  const { externalId, channelId = DEFAULT_CHANNEL_ID, source = DEFAULT_SOURCE } = config;
  const {
    expiryBufferMs = DEFAULT_EXPIRY_BUFFER_MS,
    fallbackTtlMs = DEFAULT_FALLBACK_TTL_MS,
    keepFresh = 'while-visible',
    storage = 'memory',
  } = config;
  if (externalId !== null) assertText('externalId', externalId);
  assertText('channelId', channelId);
  if (typeof source !== 'function') assertText('source', source);
  assertDuration('expiryBufferMs', expiryBufferMs);
  assertDuration('fallbackTtlMs', fallbackTtlMs);
  if (fallbackTtlMs === 0) throw misconfigured('fallbackTtlMs', 'must be above 0');
  assertOneOf('keepFresh', keepFresh, ['while-visible', 'always', 'on-demand']);
  assertOneOf('storage', storage, ['memory', 'session']);
  const retry = retryPolicy(config.retry);
  if (externalId === null) return null;
  return {
    externalId,
    channelId,
    attributes: config.attributes ?? {},
    source: typeof source === 'string' ? endpointTokenSource(source) : source,
    expiryBufferMs,
    fallbackTtlMs,
    retry,
    keepFresh,
    shareAcrossTabs: config.shareAcrossTabs ?? true,
    storage,
    onEvent: config.onEvent,
  };
}

function assertText(option: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '') {
    throw misconfigured(option, 'must be a non-empty string');
  }
}

function assertOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw misconfigured(option, `must be one of ${allowed.join(', ')}`);
  }
}
