import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import type { SandboxFailure } from './sandboxServer.ts';

/** Something that the user of the command has to set right; the process ends with code 2. */
export class UsageError extends Error {}

export interface GenesysSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly environment: string;
  readonly channelId: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What `GENESYS_*` say. The sandbox brings credentials of its own; those that are set are used
 * against it all the same, so that a wrong secret can be tried.
 *
 * @throws UsageError
 */
export function readGenesysSettings(env: Environment, sandbox: boolean): GenesysSettings {
  const clientId = env.GENESYS_CLIENT_ID || (sandbox ? 'sandbox-client' : '');
  const clientSecret = env.GENESYS_CLIENT_SECRET || (sandbox ? 'sandbox-secret' : '');
  const missing = [
    ...(clientId ? [] : ['GENESYS_CLIENT_ID']),
    ...(clientSecret ? [] : ['GENESYS_CLIENT_SECRET']),
  ];
  if (missing.length > 0) {
    throw new UsageError(
      `Set ${missing.join(' and ')} to your OAuth client's, or add --sandbox to try it without an account.`,
    );
  }
  return {
    clientId,
    clientSecret,
    environment: env.GENESYS_ENVIRONMENT || 'mypurecloud.com',
    channelId: env.GENESYS_CHANNEL_ID || DEFAULT_CHANNEL_ID,
  };
}

export interface ServeSettings {
  readonly cookieSecret: string;
  readonly allowedOrigins: string[];
  /** Undefined: the pool and the limits are in memory. */
  readonly redisUrl: string | undefined;
  /** Of the tokens in Redis. */
  readonly encryptionKey: string | undefined;
}

/**
 * What `serve` needs besides Genesys.
 *
 * @throws UsageError
 */
export function readServeSettings(env: Environment, sandbox: boolean): ServeSettings {
  const cookieSecret = env.GUEST_TOKEN_COOKIE_SECRET || (sandbox ? crypto.randomUUID() : '');
  if (cookieSecret.length < 32) {
    throw new UsageError(
      'Set GUEST_TOKEN_COOKIE_SECRET to a random text of 32 characters or more: it signs the cookie that tells visitors apart.',
    );
  }
  const allowedOrigins = (env.GUEST_TOKEN_ALLOWED_ORIGINS ?? '')
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  const encryptionKey = env.GUEST_TOKEN_ENCRYPTION_KEY || undefined;
  if (encryptionKey !== undefined && encryptionKey.length < 32) {
    throw new UsageError(
      'Set GUEST_TOKEN_ENCRYPTION_KEY to a random text of 32 characters or more: it encrypts the tokens in Redis.',
    );
  }
  return { cookieSecret, allowedOrigins, redisUrl: env.REDIS_URL || undefined, encryptionKey };
}

const sandboxFailures: Record<string, SandboxFailure> = {
  'wrong-secret': ['login', 'unauthorized'],
  'missing-role': ['visitor', 'forbidden'],
  'rate-limited': ['visitor', { kind: 'rate-limited', seconds: 42 }],
  unavailable: ['visitor', 'unavailable'],
  slow: ['visitor', { kind: 'slow', delayMs: 1000 }],
};

export const SANDBOX_FAULT_NAMES: readonly string[] = Object.keys(sandboxFailures);

/** @throws UsageError */
export function readSandboxFault(
  name: string | undefined,
  sandbox: boolean,
): SandboxFailure | undefined {
  if (name === undefined) return undefined;
  if (!sandbox) throw new UsageError('--sandbox-fault needs --sandbox.');
  if (Object.hasOwn(sandboxFailures, name)) return sandboxFailures[name];
  throw new UsageError(`--sandbox-fault must be one of ${SANDBOX_FAULT_NAMES.join(', ')}.`);
}

/** @throws UsageError */
export function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError('--port must be a number from 0 (any free port) to 65535.');
}
