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

describe('without a provider above', () => {
  test.for([
    ['useGuestToken', useGuestToken],
    ['useSuspenseGuestToken', useSuspenseGuestToken],
    ['useGuestFetch', useGuestFetch],
  ] as const)('%s says which component to add', ([name, useIt]) => {
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

describe('a wrong option', () => {
  test.for([...wrong, ...wrongOrigins])('%s: %j throws and is named', async ([option, value]) => {
    const source = fakeSource();
    const error = thrownBy(() => showWidget({ source, ...value }));
    expect(isGuestTokenError(error) && error.code).toBe('misconfigured');
    expect(String(error)).toContain(`"${option}"`);
    await pass();
    expect(source.requests).toHaveLength(0);
  });

  test.for(wrong)('%s: %j throws in the query options too', ([option, value]) => {
    const error = thrownBy(() => guestTokenQueryOptions({ externalId: 'visitor', ...value }));
    expect(isGuestTokenError(error) && error.code).toBe('misconfigured');
    expect(String(error)).toContain(`"${option}"`);
  });

  test('an externalId that is not known yet says what to pass until it is', () => {
    const source = fakeSource();
    const mistaken: Record<string, unknown> = { source, externalId: undefined };
    const errors = [
      thrownBy(() => showWidget(mistaken)),
      thrownBy(() => guestTokenQueryOptions({ externalId: 'visitor', ...mistaken })),
    ];
    for (const error of errors) expect(String(error)).toMatch(/pass null while loading/i);
  });

  test('throws also while nobody is here', () => {
    const error = thrownBy(() => showWidget({ externalId: null, expiryBufferMs: -1 }));
    expect(String(error)).toContain('"expiryBufferMs"');
  });

  test('undefined stands for the default', async () => {
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

describe('nobody is here: externalId is null', () => {
  test('idle, no request ever, and getToken and refresh reject with aborted', async () => {
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

  test('somebody comes, goes, and comes again: each time a token of their own, none between', async () => {
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

  test('the guest fetch sends nothing in nobody’s name', async () => {
    const server = fakeServer();
    const page = showWidget({ externalId: null });
    const call = outcomeOf(page.fetch('/api/conversations'));
    await pass();
    expect(call.code).toBe('aborted');
    expect(server.calls).toHaveLength(0);
  });

  test('the Suspense hook throws misconfigured, which says what is missing', () => {
    function Widget() {
      useSuspenseGuestToken();
      return null;
    }
    const error = thrownBy(() => showWidget({ externalId: null, children: <Widget /> }));
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect(String(error)).toContain('externalId');
  });
});
