import type { Instant } from '../core/clock.ts';
import type { CheckedConfig } from '../session/settings.ts';
import { describeEvent, timeOfDay } from './describeEvent.ts';
import type { InspectedSession } from './sessionLog.ts';
import { VERSION } from './version.ts';
import { nextCheckText, stateText, whyOf } from './why.ts';

export interface ReportedPage {
  readonly isVisible: boolean;
  readonly isSimulatedOffline: boolean;
  readonly reactVersion: string;
  readonly userAgent: string;
}

/** All that helps to find a bug in a session, as text. Holds no token, no visitor and no attribute. */
export function bugReport(inspected: InspectedSession, page: ReportedPage, now: Instant): string {
  const { session, state, events } = inspected;
  const { settings } = session.store;
  const { held, latest } = state;
  const { reason, next } = whyOf(state, settings, page.isVisible, now);
  const report = [
    `react-guest-token ${VERSION}, React ${page.reactVersion}`,
    page.userAgent,
    `Reported at ${new Date(now.wallMs).toISOString()}`,
    '',
    `State: ${stateText(state, now)}`,
    `${reason} ${nextCheckText(next)}`,
    '',
    'Page',
    ...lines({
      visible: page.isVisible,
      online: state.isOnline,
      'offline is simulated': page.isSimulatedOffline,
    }),
    '',
    'Settings',
    ...lines(settingsOf(settings)),
    '',
    'Token in hand',
    ...lines(
      held
        ? {
            'life (ms)': held.token.lifeMs,
            'left (ms)': Math.round(held.token.remainingMs(now)),
            'buffer (ms)': held.bufferMs,
            'source of the expiry': held.token.expirySource,
            'clock skew (ms)': held.token.clockSkewMs,
            'refused by a server': held.isRejected,
          }
        : { none: latest ? 'the last one is over' : 'there was none' },
    ),
    '',
    'Last failure',
    ...lines(failureOf(state.failure?.error)),
    '',
    'Events (UTC)',
    ...events.map((event) => `${timeOfDay(event.atMs)} ${event.type}: ${describeEvent(event)}`),
    '',
  ].join('\n');
  return redact(report, settings.externalId, held?.token.value, latest?.value);
}

function lines(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields).map(([name, value]) => `- ${name}: ${value}`);
}

function settingsOf(settings: CheckedConfig): Record<string, unknown> {
  const { channelId, attributes, source, expiryBufferMs, fallbackTtlMs } = settings;
  const { retry, keepFresh, shareAcrossTabs, storage } = settings;
  return {
    channelId,
    // Of the address only the path, which names no host and holds no parameters.
    source: source.key?.replace(/^\w+:\/\/[^/]*/, '').replace(/[?#].*/s, '') ?? 'a function',
    'names of attributes': Object.keys(attributes).join(', ') || 'none',
    expiryBufferMs,
    fallbackTtlMs,
    ...Object.fromEntries(Object.entries(retry).map(([name, value]) => [`retry.${name}`, value])),
    keepFresh,
    shareAcrossTabs,
    storage,
  };
}

/** Without its message, which may name an address. */
function failureOf(error: NonNullable<InspectedSession['state']['failure']>['error'] | undefined) {
  if (!error) return { none: 'nothing has failed since the last token' };
  const { code, status, reason, contextId, retryAtMs } = error;
  return { code, status, reason, contextId, retryAtMs };
}

/** Whatever else a setting or an event may have carried in. */
function redact(text: string, ...secrets: (string | null | undefined)[]): string {
  return secrets.reduce<string>((redacted, secret) => {
    if (!secret) return redacted;
    return [secret, encodeURIComponent(secret)].reduce((one, form) => {
      // A short id is part of many words: only where it stands alone.
      const isWord = form.length < 4 && /^\w+$/.test(form);
      return isWord
        ? one.replace(new RegExp(`(?<=/)${form}(?=/|\\s)`, 'g'), '[redacted]')
        : one.replaceAll(form, '[redacted]');
    }, redacted);
  }, text);
}
