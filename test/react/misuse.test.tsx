import { render } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import {
  GuestTokenError,
  guestTokenQueryOptions,
  isGuestTokenError,
  useGuestFetch,
  useGuestToken,
  useSuspenseGuestToken,
} from '../../src/index.ts';
import { allowConsole } from '../strays.ts';
import { fakeSource, outcomeOf, pass, showWidget, withFakeTime } from './page.tsx';
import { fakeServer } from './server.ts';

withFakeTime();

/** What rendering throws, whatever React prints about it. */
function thrownBy(show: () => unknown): unknown {
  allowConsole(/./);
  try {
    show();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a hook without a provider', () => {
  test.for([
    ['useGuestToken', useGuestToken],
    ['useSuspenseGuestToken', useSuspenseGuestToken],
    ['useGuestFetch', useGuestFetch],
  ] as const)('%s without a provider names the missing component', ([name, useIt]) => {
    function Widget() {
      useIt();
      return null;
    }
    const error = thrownBy(() => render(<Widget />));
    expect(error).toBeInstanceOf(GuestTokenError);
    expect(error).toMatchObject({ code: 'misconfigured', retryable: false });
    expect(String(error)).toContain(name);
    expect(String(error)).toContain('<GuestTokenProvider>');
  });
});

const wrong: readonly (readonly [option: string, value: Record<string, unknown>])[] = [
  ['externalId', { externalId: '' }],
  ['externalId', { externalId: '  ' }],
  ['externalId', { externalId: 42 }],
  ['externalId', { externalId: undefined }],
  ['channelId', { channelId: '' }],
  ['channelId', { channelId: null }],
  ['source', { source: '' }],
  ['source', { source: 42 }],
  ['expiryBufferMs', { expiryBufferMs: -1 }],
  ['expiryBufferMs', { expiryBufferMs: Number.NaN }],
  ['expiryBufferMs', { expiryBufferMs: Number.POSITIVE_INFINITY }],
  ['expiryBufferMs', { expiryBufferMs: '60' }],
  ['fallbackTtlMs', { fallbackTtlMs: 0 }],
  ['fallbackTtlMs', { fallbackTtlMs: -1 }],
  ['fallbackTtlMs', { fallbackTtlMs: Number.NaN }],
  ['retry.attempts', { retry: { attempts: 0 } }],
  ['retry.attempts', { retry: { attempts: 1.5 } }],
  ['retry.attempts', { retry: { attempts: Number.POSITIVE_INFINITY } }],
  ['retry.minDelayMs', { retry: { minDelayMs: -1 } }],
  ['retry.minDelayMs', { retry: { minDelayMs: 11_000 } }],
  ['retry.maxDelayMs', { retry: { maxDelayMs: Number.NaN } }],
  ['retry.maxRetryAfterMs', { retry: { maxRetryAfterMs: -1 } }],
  ['keepFresh', { keepFresh: 'sometimes' }],
  ['storage', { storage: 'local' }],
];
const wrongOrigins: readonly (readonly [option: string, value: Record<string, unknown>])[] = [
  ['origins', { origins: ['api.mypurecloud.ie'] }],
  ['origins', { origins: ['https://api.mypurecloud.ie/api/v2'] }],
  ['origins', { origins: ['*'] }],
  ['origins', { origins: 'https://api.mypurecloud.ie' }],
];

describe('an invalid option', () => {
  test.for([...wrong, ...wrongOrigins])(
    'the invalid option %s: %j throws misconfigured and is named',
    async ([option, value]) => {
      const source = fakeSource();
      const error = thrownBy(() => showWidget({ source, ...value }));
      expect(isGuestTokenError(error) && error.code).toBe('misconfigured');
      expect(String(error)).toContain(`"${option}"`);
      await pass();
      expect(source.requests).toHaveLength(0);
    },
  );

  test.for(wrong)(
    'the invalid option %s: %j throws in guestTokenQueryOptions too',
    ([option, value]) => {
      const error = thrownBy(() => guestTokenQueryOptions({ externalId: 'visitor', ...value }));
      expect(isGuestTokenError(error) && error.code).toBe('misconfigured');
      expect(String(error)).toContain(`"${option}"`);
    },
  );

  test('an undefined externalId throws and says to pass null while loading', () => {
    const source = fakeSource();
    const mistaken: Record<string, unknown> = { source, externalId: undefined };
    const errors = [
      thrownBy(() => showWidget(mistaken)),
      thrownBy(() => guestTokenQueryOptions({ externalId: 'visitor', ...mistaken })),
    ];
    for (const error of errors) expect(String(error)).toMatch(/pass null while loading/i);
  });

  test('an invalid option throws even if externalId is null', () => {
    const error = thrownBy(() => showWidget({ externalId: null, expiryBufferMs: -1 }));
    expect(String(error)).toContain('"expiryBufferMs"');
  });

  test('an undefined option means its default', async () => {
    const source = fakeSource();
    const page = showWidget({
      source,
      channelId: undefined,
      attributes: undefined,
      expiryBufferMs: undefined,
      fallbackTtlMs: undefined,
      retry: { attempts: undefined, minDelayMs: undefined },
      keepFresh: undefined,
      shareAcrossTabs: undefined,
      storage: undefined,
      origins: undefined,
      queryClient: undefined,
    });
    await pass();
    expect(page.view.status).toBe('success');
    expect(source.requests).toMatchObject([{ channelId: 'webchat-default', attributes: {} }]);
  });
});

describe('externalId null', () => {
  test('externalId null is idle, makes no request, and rejects getToken and refresh with aborted', async () => {
    const source = fakeSource();
    const page = showWidget({ source, externalId: null, keepFresh: 'always' });
    const asked = outcomeOf(page.view.getToken());
    const refreshed = outcomeOf(page.view.refresh());
    await pass(3_600_000);
    expect(page.probe.shown).toBe('idle none');
    expect(page.view).toMatchObject({ error: null, retryAtMs: undefined, isFetching: false });
    expect([asked.code, refreshed.code]).toEqual(['aborted', 'aborted']);
    expect(source.requests).toHaveLength(0);
  });

  test('a visitor who signs out and in again gets a new token and none in between', async () => {
    const source = fakeSource();
    const page = showWidget({ source, externalId: null });
    page.update({ externalId: 'ann' });
    await pass();
    const first = page.view.token;
    expect(first).toMatch(/^ey/);
    page.update({ externalId: null });
    expect(page.probe.shown).toBe('idle none');
    await pass();
    page.probe.tokens.length = 0;
    page.update({ externalId: 'ann' });
    await pass();
    expect(page.view.status).toBe('success');
    expect(page.probe.tokens).not.toContain(first);
    expect(source.requests).toHaveLength(2);
  });

  test('the guest fetch sends nothing while externalId is null', async () => {
    const server = fakeServer();
    const page = showWidget({ externalId: null });
    const call = outcomeOf(page.fetch('/api/conversations'));
    await pass();
    expect(call.code).toBe('aborted');
    expect(server.calls).toHaveLength(0);
  });

  test('the Suspense hook throws misconfigured and names externalId if it is null', () => {
    function Widget() {
      useSuspenseGuestToken();
      return null;
    }
    const error = thrownBy(() => showWidget({ externalId: null, children: <Widget /> }));
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect(String(error)).toContain('externalId');
  });
});
