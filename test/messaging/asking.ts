import { afterEach, beforeEach, vi } from 'vitest';
import type { GuestTokenReply } from '../../src/core/guestToken.ts';
import type { GuestTokenSource } from '../../src/core/tokenSource.ts';
import { webMessagingTokenSource } from '../../src/messaging/webMessagingTokenSource.ts';
import { type ScriptedSocket, SESSION_TOKEN } from './scriptedSocket.ts';

export const START_MS = Date.UTC(2026, 10, 24, 9);

/** Fake time in every test of the file. */
export function withFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: START_MS });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

export async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

export interface Asked {
  reply?: GuestTokenReply;
  error?: unknown;
}

/** Asks a source once; what comes of it shows in the result. */
export function ask(source: GuestTokenSource, signal = new AbortController().signal): Asked {
  const request = { externalId: 'visitor', channelId: 'any', attributes: {}, fresh: false };
  const asked: Asked = {};
  source(request, { signal }).then(
    (reply) => {
      asked.reply = reply;
    },
    (error: unknown) => {
      asked.error = error;
    },
  );
  return asked;
}

/** Asks for a JWT over a socket that answers at once. */
export async function answerOf(socket: ScriptedSocket): Promise<Asked> {
  const asked = ask(sourceOn(socket).source);
  await pass();
  return asked;
}

/** A source on a messenger whose socket the test can replace. */
export function sourceOn(socket: ScriptedSocket | undefined, timeoutMs?: number) {
  const messenger = { socket };
  const source = webMessagingTokenSource({
    socket: () => messenger.socket,
    token: SESSION_TOKEN,
    timeoutMs,
  });
  return { messenger, source };
}
