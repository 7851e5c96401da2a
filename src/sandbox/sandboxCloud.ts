import { createFaultSwitches, type SandboxFaultInput, type SandboxOperation } from './faults.ts';
import { createHttpHosts } from './httpHosts.ts';
import type { SandboxSignIn } from './messagingTokens.ts';
import { createRequestLog, type SandboxRequest } from './requestLog.ts';
import { DEFAULT_SETTINGS, type SandboxSettings, withGiven } from './settings.ts';
import {
  createSocketHost,
  type SandboxHandshake,
  type SandboxMessagingControls,
} from './socketHost.ts';
import type { IssuedGuestToken } from './tokens.ts';
import { clearWorld, createWorld } from './world.ts';

export interface SandboxCloudOptions extends Partial<SandboxSettings> {
  /** The region's domain. Default `"mypurecloud.com"`. */
  readonly environment?: string;
  /** Default `https://api.{environment}`. */
  readonly apiUrl?: string;
  /** Default `https://login.{environment}`. */
  readonly loginUrl?: string;
  /** Default `wss://webmessaging.{environment}`. */
  readonly socketUrl?: string;
  /** Default `"sandbox-client"`. */
  readonly clientId?: string;
  /** Default `"sandbox-secret"`. */
  readonly clientSecret?: string;
  /** The channels that exist. Default `"webchat-default"`. */
  readonly channelId?: string | readonly string[];
  /** For authenticated web messaging. Default `"sandbox-deployment"`. */
  readonly deploymentId?: string;
  /** What a wrong client secret is answered with; Genesys' documents leave open which. Default 401. */
  readonly invalidClientStatus?: 400 | 401;
  /** Faults that are on from the start. */
  readonly faults?: Readonly<Partial<Record<SandboxOperation, SandboxFaultInput>>>;
  /** Epoch ms. Default `Date.now`, looked up at each call. */
  readonly now?: () => number;
}

export interface SandboxCloud {
  readonly apiUrl: string;
  readonly loginUrl: string;
  /** Where the Web Messaging socket is, without its path `/v1`. */
  readonly socketUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly deploymentId: string;
  /**
   * Genesys Cloud as a `fetch`. Rejects as `fetch` does: with a TypeError for a cut connection and
   * for a host that is not the sandbox's, with the signal's reason when aborted.
   */
  readonly fetch: typeof fetch;
  /**
   * Switches a fault on: for the next `times` requests of an operation, or without `times` until
   * `clear`, `reset` or another lasting one replaces it.
   *
   * @throws GuestTokenError `misconfigured`
   */
  fault(operation: SandboxOperation, fault: SandboxFaultInput, limit?: { times?: number }): void;
  /** Switches off the faults of one operation, or of all. */
  clear(operation?: SandboxOperation): void;
  /** Changes what is named, for the requests that come. */
  configure(settings: Partial<SandboxSettings>): void;
  /** Back to the start: no tokens, messages, sockets or log, the faults and settings of the options. */
  reset(): void;
  /**
   * Opens a Web Messaging socket, whatever transports it. Nothing travels by itself: hand over what
   * the client sends, and the socket gets what Genesys answers.
   *
   * @param url what the client dials: `{socketUrl}/v1?deploymentId=…`
   */
  connect(url: string | URL): SandboxHandshake;
  /** What happens on open sockets without a client asking for it. */
  readonly messaging: SandboxMessagingControls;
  /** The latest 1,000 requests, frames on sockets included, oldest first. */
  readonly requests: readonly SandboxRequest[];
  /** How many requests came since the start or the last `reset`: of one operation, or of all. */
  count(operation?: SandboxOperation): number;
  /** The guest tokens that work, or did until their end. */
  readonly issued: readonly IssuedGuestToken[];
  /** Makes guest tokens useless before their end: one visitor's, or all. */
  revokeGuestTokens(externalId?: string): void;
  /** Makes all OAuth access tokens useless before their end. */
  revokeAccessTokens(): void;
  /**
   * Signs a visitor in at the identity provider of authenticated Web Messaging.
   *
   * @returns the code, or the ID token, that your page would get; the exchange takes it once
   */
  signIn(signIn: SandboxSignIn): string;
}

/**
 * Genesys Cloud without any network: its login and API hosts as one `fetch`, its Web Messaging host
 * as `connect`. `genesysSandbox` adds MSW handlers.
 */
export function createSandboxCloud(options: SandboxCloudOptions = {}): SandboxCloud {
  const { environment = 'mypurecloud.com', deploymentId = 'sandbox-deployment' } = options;
  const { clientId = 'sandbox-client', clientSecret = 'sandbox-secret' } = options;
  const apiUrl = withoutSlash(options.apiUrl ?? `https://api.${environment}`);
  const loginUrl = withoutSlash(options.loginUrl ?? `https://login.${environment}`);
  const socketUrl = withoutSlash(options.socketUrl ?? `wss://webmessaging.${environment}`);
  const now = options.now ?? ((): number => Date.now());
  const faults = createFaultSwitches();
  const log = createRequestLog();
  let current = DEFAULT_SETTINGS;
  const settings = (): SandboxSettings => current;
  const world = createWorld(options, { clientId, clientSecret, deploymentId, now, settings });
  const parts = { world, faults, log, settings, now };
  const socketHost = createSocketHost({ socketUrl, ...parts });

  function reset(): void {
    current = withGiven(DEFAULT_SETTINGS, options);
    socketHost.clear();
    clearWorld(world);
    log.clear();
    faults.clear();
    for (const [operation, fault] of Object.entries(options.faults ?? {})) {
      // the switchboard checks the name, which Object.entries has widened to string
      faults.set(operation as SandboxOperation, fault);
    }
  }
  reset();

  return {
    apiUrl,
    loginUrl,
    socketUrl,
    clientId,
    clientSecret,
    deploymentId,
    fetch: createHttpHosts({ apiUrl, loginUrl, ...parts }),
    connect: socketHost.connect,
    messaging: socketHost.controls,
    fault: faults.set,
    clear: faults.clear,
    configure(changes) {
      current = withGiven(current, changes);
    },
    reset,
    get requests() {
      return log.requests;
    },
    count: log.count,
    get issued() {
      return world.guests.issued;
    },
    revokeGuestTokens: world.guests.revoke,
    revokeAccessTokens: world.access.revoke,
    signIn: world.messaging.signIn,
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
