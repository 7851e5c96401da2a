// Components that can't render without a token, and the boundaries around them.
import { act } from '@testing-library/react';
import { Component, type ReactNode, Suspense } from 'react';
import type { SuspenseGuestTokenView } from '../../src/index.ts';
import * as ownCopy from '../../src/index.ts';
import { type Library, pass } from './page.tsx';

interface BoundaryProps {
  readonly children: ReactNode;
  readonly onCatch: (error: unknown) => void;
}

/** An error boundary with a button, such as react-error-boundary's. */
export class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }
  override componentDidCatch(error: unknown): void {
    this.props.onCatch(error);
  }
  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <button type="button" onClick={() => this.setState({ failed: false })}>
        retry
      </button>
    );
  }
}

/** React gives up after some 50 updates within one turn, but not when they come in turns of their own. */
const ENDLESS = 1_000;

/** A component that suspends, between boundaries of its own: `<panel.Show />`. */
export class Panel {
  readonly #library: Library;
  renders = 0;
  readonly errors: unknown[] = [];
  view: SuspenseGuestTokenView | undefined;
  #element: HTMLElement | null = null;

  constructor(library: Library = ownCopy) {
    this.#library = library;
  }

  readonly Show = (): ReactNode => (
    <section
      ref={(element) => {
        this.#element = element;
      }}
    >
      <Boundary onCatch={(error) => this.errors.push(error)}>
        <Suspense fallback={<i>connecting</i>}>
          <this.Bare />
        </Suspense>
      </Boundary>
    </section>
  );

  /** The component alone, for boundaries of the test's own. */
  readonly Bare = (): ReactNode => {
    if (++this.renders > ENDLESS) throw new Error('It renders without end.');
    const view = this.#library.useSuspenseGuestToken();
    this.view = view;
    return <p>token {view.token}</p>;
  };

  /** What is on screen: `token …`, `connecting` or `retry`; hidden elements are not. */
  get shown(): string {
    const elements = [...(this.#element?.querySelectorAll<HTMLElement>('p, i, button') ?? [])];
    const visible = elements.filter(({ style }) => style.display !== 'none');
    return visible.map(({ textContent }) => textContent).join(' ');
  }

  get error(): ownCopy.GuestTokenError | undefined {
    const last = this.errors.at(-1);
    return ownCopy.isGuestTokenError(last) ? last : undefined;
  }

  /** Resets the error boundary. */
  async retry(): Promise<void> {
    await act(async () => this.#element?.querySelector('button')?.click());
    await settle();
  }
}

/** Lets time pass; React retries a boundary some time after its promise has resolved. */
export async function settle(ms = 0): Promise<void> {
  await pass(ms);
  await pass();
}
