// Components that suspend, each under a provider of its own, for tests that count their renders. Their
// tokens end, and no other one comes.
import { Component, type ReactNode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import {
  GuestTokenProvider,
  type GuestTokenSource,
  useSuspenseGuestToken,
} from '../../../src/index.ts';

/** What a test can set in the URL. */
export interface SuspensePageConfig {
  /** One provider for each. */
  readonly visitors: readonly string[];
  /** What the source does after the first token of each visitor. */
  readonly then: 'hangs' | 'fails';
}

interface SuspensePage {
  /** How often each component was rendered. */
  readonly renders: number[];
  /** How often a source was asked. */
  asked: number;
}

declare global {
  interface Window {
    suspense: SuspensePage;
  }
}

/** A component that renders in a loop ends here, so that its page can still be looked at. */
const MAX_RENDERS = 2_000;

const config: SuspensePageConfig = JSON.parse(
  new URLSearchParams(location.search).get('config') ?? '{}',
);
window.suspense = { renders: config.visitors.map(() => 0), asked: 0 };

const served = new Set<string>();

const source: GuestTokenSource = Object.assign(
  async (
    { externalId }: Parameters<GuestTokenSource>[0],
    { signal }: Parameters<GuestTokenSource>[1],
  ) => {
    window.suspense.asked++;
    if (!served.has(externalId)) {
      served.add(externalId);
      return { id: externalId, token: `token-of-${externalId}`, expires_in: 1 };
    }
    if (config.then === 'fails') throw new Response(null, { status: 503 });
    return new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  },
  { key: 'in the page' },
);

class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError = () => ({ failed: true });
  override render(): ReactNode {
    return this.state.failed ? <p>It has failed.</p> : this.props.children;
  }
}

function Visitor({ index }: { index: number }): ReactNode {
  const renders = (window.suspense.renders[index] ?? 0) + 1;
  if (renders > MAX_RENDERS) throw new Error('This component renders in a loop.');
  window.suspense.renders[index] = renders;
  return <p>{useSuspenseGuestToken().token}</p>;
}

function Page(): ReactNode {
  return config.visitors.map((visitor, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: two may be of one visitor, and none ever moves
    <GuestTokenProvider key={index} externalId={visitor} source={source}>
      <ErrorBoundary>
        <Suspense fallback={<p>Waiting</p>}>
          <Visitor index={index} />
        </Suspense>
      </ErrorBoundary>
    </GuestTokenProvider>
  ));
}

const root = document.querySelector('main');
// what a boundary catches is what the tests are about, so that nothing is printed
if (root) createRoot(root, { onCaughtError: () => undefined }).render(<Page />);
