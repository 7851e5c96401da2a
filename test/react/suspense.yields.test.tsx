// Without `act`, as on a page: on a slow machine React lets other work in between a render that fails
// and its repetition, before it shows the failure.
import { Component, type ReactNode, Suspense } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GuestTokenProvider, useSuspenseGuestToken } from '../../src/index.ts';
import { allowConsole } from '../strays.ts';
import { fakeSource, issuing, status } from './page.tsx';

let root: Root;
let page: HTMLElement;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false);
  page = document.createElement('main');
  document.body.append(page);
  root = createRoot(page);
});
afterEach(async () => {
  root.unmount();
  page.remove();
  vi.unstubAllGlobals();
});

/** Takes longer than React works without a pause. */
function Slow(): ReactNode {
  const endMs = performance.now() + 10;
  while (performance.now() < endMs);
  return <i />;
}

class SlowBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }
  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <>
        <Slow />
        <Slow />
        <Slow />
        <button type="button" onClick={() => this.setState({ failed: false })}>
          retry
        </button>
      </>
    );
  }
}

function Secret(): ReactNode {
  return <p>{useSuspenseGuestToken().token.slice(0, 2)}</p>;
}

function show(source: ReturnType<typeof fakeSource>, where: 'inside' | 'above'): void {
  const boundaries = (children: ReactNode): ReactNode => (
    <SlowBoundary>
      <Suspense fallback="connecting">{children}</Suspense>
    </SlowBoundary>
  );
  const provider = (children: ReactNode): ReactNode => (
    <GuestTokenProvider externalId={where} source={source}>
      {children}
    </GuestTokenProvider>
  );
  root.render(
    where === 'inside' ? provider(boundaries(<Secret />)) : boundaries(provider(<Secret />)),
  );
}

const shows = (text: string): Promise<void> =>
  vi.waitFor(() => expect(page.textContent).toBe(text), { timeout: 5_000 });

describe('a failure in whose rendering React pauses', () => {
  test.each(['inside', 'above'] as const)(
    'is no reset of the boundary, and each reset asks once: boundaries %s the provider',
    async (where) => {
      allowConsole(/./);
      const source = fakeSource(status(400));
      show(source, where);
      await shows('retry');
      expect(source.requests).toHaveLength(1);

      page.querySelector('button')?.click();
      await vi.waitFor(() => expect(source.requests).toHaveLength(2));
      await shows('retry');
      expect(source.requests).toHaveLength(2);

      source.answer = issuing();
      page.querySelector('button')?.click();
      await shows('ey');
      expect(source.requests).toHaveLength(3);
    },
  );
});
