import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import type { ActionWorld } from './messagingActions.ts';
import { MessagingSessions } from './messagingSessions.ts';
import { createSandboxMessaging, type SandboxMessaging } from './messagingTokens.ts';
import type { SandboxSettings } from './settings.ts';
import { type AccessTokens, createAccessTokens, createGuestTokens } from './tokens.ts';
import { createWebChats, type WebChats } from './webChat.ts';

/** All that the operations share. */
export interface World extends ActionWorld {
  readonly client: {
    readonly id: string;
    readonly secret: string;
    /** What a wrong secret is answered with. */
    readonly invalidStatus: 400 | 401;
  };
  readonly channels: readonly string[];
  readonly access: AccessTokens;
  readonly webChats: WebChats;
  readonly messaging: SandboxMessaging;
  /** Visitor ids by channel and external id: a visitor who comes back is the same one. */
  readonly visitors: Map<string, string>;
}

interface WorldOptions {
  /** The channels that exist. Default `"webchat-default"`. */
  readonly channelId?: string | readonly string[];
  /** What a wrong client secret is answered with. Default 401. */
  readonly invalidClientStatus?: 400 | 401;
}

interface WorldParts {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly deploymentId: string;
  readonly now: () => number;
  readonly settings: () => SandboxSettings;
}

export function createWorld(
  { channelId = DEFAULT_CHANNEL_ID, invalidClientStatus = 401 }: WorldOptions,
  { clientId, clientSecret, deploymentId, now, settings }: WorldParts,
): World {
  const guests = createGuestTokens();
  return {
    client: { id: clientId, secret: clientSecret, invalidStatus: invalidClientStatus },
    channels: typeof channelId === 'string' ? [channelId] : channelId,
    deploymentId,
    now,
    access: createAccessTokens(),
    guests,
    historyTokens: createGuestTokens(),
    webChats: createWebChats(),
    messaging: createSandboxMessaging(deploymentId, guests, now),
    sessions: new MessagingSessions(now, settings),
    visitors: new Map(),
  };
}

export function clearWorld(world: World): void {
  world.access.revoke();
  world.guests.revoke();
  world.historyTokens.revoke();
  world.webChats.clear();
  world.messaging.clear();
  world.visitors.clear();
}
