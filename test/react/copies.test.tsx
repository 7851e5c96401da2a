// Two copies of the package on one page, as bundlers make them.
import { QueryClient } from '@tanstack/react-query';
import { expect, test, vi } from 'vitest';
import {
  anotherCopy,
  fakeSource,
  HOUR,
  issuing,
  pass,
  SECOND,
  showWidget,
  withFakeTime,
} from './page.tsx';

withFakeTime();

test('two copies on one client share one session, or a warning says that there are two', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const queryClient = new QueryClient();
  const source = fakeSource(issuing(HOUR, SECOND));
  const pages = [
    showWidget({ queryClient, source }, undefined, await anotherCopy()),
    showWidget({ queryClient, source }, undefined, await anotherCopy()),
  ];
  await pass(3 * HOUR);
  const tokens = new Set(pages.map(({ view }) => view.token));
  expect(tokens).not.toContain(undefined);
  if (warn.mock.calls.length > 0) {
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/two copies|twice/i)]]);
  } else {
    expect(tokens.size).toBe(1);
    expect(source.requests).toHaveLength(4);
  }
});
