// The bug report that the inspector copies.
import { act } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { GuestTokenDevtoolsPanel } from '../../src/devtools/index.ts';
import type { GuestTokenProviderProps, GuestTokenSource } from '../../src/index.ts';
import { fakeSource, MINUTE, pass, showWidget, status, withFakeTime } from '../react/page.tsx';
import { type Inspector, showInspector } from './inspector.tsx';

withFakeTime();
afterEach(() => {
  Reflect.deleteProperty(navigator, 'clipboard');
});

/** A clipboard, as far as the inspector uses it. */
function clipboard(writeText: (text: string) => Promise<void>): void {
  Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText } });
}

async function copiedReport(props: Partial<GuestTokenProviderProps> = {}): Promise<string> {
  let copied = '';
  clipboard(async (text) => {
    copied = text;
  });
  showWidget({ source: fakeSource(), ...props });
  const inspector = showInspector(<GuestTokenDevtoolsPanel />);
  await pass(MINUTE);
  await inspector.press('Copy bug report');
  expect(inspector.text).toContain('Copied. It holds no token and no visitor.');
  return copied;
}

test('a report has versions, state, settings, token and events', async () => {
  const report = await copiedReport({ keepFresh: 'always', channelId: 'webchat' });
  for (const line of [
    `react-guest-token ${manifest.version}, React `,
    'State: Fresh',
    'Not refreshing: the token is fresh until 1 min before its end. Next check in 58 min.',
    '- visible: true',
    '- online: true',
    '- offline is simulated: false',
    '- channelId: webchat',
    '- source: a function',
    '- keepFresh: always',
    '- retry.attempts: 3',
    '- life (ms): 3600000',
    '- left (ms): 3540000',
    '- source of the expiry: expires_in',
    'acquiring: Attempt 1.',
    'acquired: A token for 1 h.',
  ]) {
    expect(report).toContain(line);
  }
});

test('a report has the last failure, without its message', async () => {
  const source = fakeSource(status(503));
  const report = await copiedReport({ source, retry: { attempts: 1 } });
  expect(report).toContain('- code: unavailable');
  expect(report).toContain('- status: 503');
  expect(report).toContain('- none: there was none');
  expect(report).not.toContain('The source');
});

test.each(['ann@example.com', 'Ann Ö', '7'])(
  'a report names neither the visitor "%s" nor a token, an attribute or a host',
  async (externalId) => {
    const tokens: string[] = [];
    const inner = fakeSource();
    const source: GuestTokenSource = Object.assign(
      async (...asked: Parameters<GuestTokenSource>) => {
        const reply = await inner(...asked);
        tokens.push(reply.token);
        return reply;
      },
      { key: `https://shop.example/visitors/${encodeURIComponent(externalId)}/token?key=s3cret` },
    );
    const attributes = { page: '/private', mood: 'gloomy' };
    const report = await copiedReport({ externalId, source, attributes });
    expect(report).toContain('- source: /visitors/[redacted]/token\n');
    expect(report).toContain('- names of attributes: page, mood');
    expect(tokens).toHaveLength(1);
    const secrets = [...tokens, 'shop.example', 's3cret', '/private', 'gloomy', 'guest-1'];
    for (const secret of secrets) expect(report).not.toContain(secret);
    if (externalId.length > 1) {
      expect(report).not.toContain(externalId);
      expect(report).not.toContain(encodeURIComponent(externalId));
    }
  },
);

test('where the browser does not allow to copy, the report is there to be copied by hand', async () => {
  clipboard(async () => {
    throw new Error('Not allowed.');
  });
  showWidget({ source: fakeSource() });
  const inspector: Inspector = showInspector(<GuestTokenDevtoolsPanel />);
  await pass();
  await inspector.press('Copy bug report');
  await act(async () => undefined);
  const field = inspector.find.getByLabelText(/copy this/);
  expect(field).toHaveDisplayValue(/^react-guest-token /);
});
