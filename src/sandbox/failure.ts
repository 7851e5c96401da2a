import { ConnectionCut, type SandboxFault } from './faults.ts';
import {
  genesysError,
  htmlPage,
  notAuthenticated,
  oauthError,
  tooManyRequests,
} from './replies.ts';
import type { Call, Route } from './routes.ts';
import type { SandboxSettings } from './settings.ts';

/** The settings as a fault bends them for one request. */
export function withFault(
  settings: SandboxSettings,
  fault: SandboxFault | undefined,
): SandboxSettings {
  switch (fault?.kind) {
    case 'short-life':
      return {
        ...settings,
        tokenLifeSeconds: fault.lifeSeconds ?? 30,
        sessionLifeSeconds: fault.lifeSeconds ?? 30,
      };
    case 'expired-token':
      return { ...settings, tokenLifeSeconds: -60 };
    case 'opaque-token':
      return { ...settings, tokenLifeSeconds: fault.lifeSeconds ?? 86_400 };
    case 'wrong-clock':
      return { ...settings, clockOffsetMs: fault.offsetMs ?? 7_200_000 };
    default:
      return settings;
  }
}

/** What a fault answers in place of the operation; undefined: the operation answers. */
export async function failure(
  call: Pick<Call, 'fault' | 'nowMs' | 'settings'>,
  host: Route['host'],
  signal: AbortSignal,
): Promise<Response | undefined> {
  const { fault } = call;
  switch (fault?.kind) {
    case 'cut':
      throw new ConnectionCut();
    case 'hang':
      return pause(signal);
    case 'slow':
      await pause(signal, fault.delayMs ?? 1500);
      return undefined;
    default:
      return refusalBy(call, host);
  }
}

/** The response that a fault refuses with; undefined: it does not. */
export function refusalBy(
  { fault, nowMs, settings }: Pick<Call, 'fault' | 'nowMs' | 'settings'>,
  host: Route['host'],
): Response | undefined {
  switch (fault?.kind) {
    case 'rate-limited':
      return tooManyRequests(fault, nowMs + settings.clockOffsetMs);
    case 'unauthorized':
      return host === 'login'
        ? oauthError(401, fault.code ?? 'invalid_client', 'authentication failed')
        : notAuthenticated(fault.code ?? 'bad.credentials');
    case 'forbidden':
      return host === 'login'
        ? oauthError(403, fault.code ?? 'unauthorized_client', 'client not authorized')
        : missingPermission(fault.code);
    case 'unavailable':
      return genesysError(fault.status ?? 503, 'service.unavailable', 'The service failed.');
    case 'html':
      return htmlPage(fault.status ?? 200);
    default:
      return undefined;
  }
}

/** Waits for so many ms, or for ever; rejects when the caller gives up. */
function pause<Nothing extends undefined>(
  signal: AbortSignal,
  delayMs?: number,
): Promise<Nothing | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = delayMs === undefined ? undefined : setTimeout(() => resolve(undefined), delayMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function missingPermission(code = 'missing.permissions'): Response {
  return genesysError(
    403,
    code,
    'Unable to perform the requested action. You are missing the following permission(s): webchat:visitor:create',
    { body: { messageParams: { permissions: 'webchat:visitor:create' } } },
  );
}
