import { Component, type ReactNode, Suspense } from 'react';
import { expect } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { isGuestTokenError, useSuspenseGuestToken } from '../src/index.ts';
import './support/panel.css';
import { printsCaughtError } from './support/prints.ts';
import { Stage, type StageProps } from './support/Stage.tsx';
import { openScene, type Scene } from './support/scene.ts';
import { visitorText } from './support/visitorText.ts';

let scene: Scene;

function Visitor(): ReactNode {
  const { visitorId } = useSuspenseGuestToken();
  return <p>You are {visitorId}.</p>;
}

class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: undefined as unknown };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div role="alert">
        <p>{isGuestTokenError(error) ? visitorText(error) : 'Something went wrong.'}</p>
        <button type="button" onClick={() => this.setState({ error: undefined })}>
          Try again
        </button>
      </div>
    );
  }
}

function SuspensePage(config: Omit<StageProps, 'children'>): ReactNode {
  return (
    <Stage {...config}>
      <section className="panel" aria-label="Your chat">
        <Boundary>
          <Suspense fallback={<p>One moment, please.</p>}>
            <Visitor />
          </Suspense>
        </Boundary>
      </section>
    </Stage>
  );
}

const meta = preview.meta({
  title: 'Stories/Suspense',
  component: SuspensePage,
  beforeEach({ msw }) {
    scene = openScene();
    msw.use(...scene.handlers);
  },
});

/** The fallback while there is no token, then the content; its token is never undefined. */
export const FallbackThenContent = meta.story({
  beforeEach() {
    scene.sandbox.fault('visitor', { kind: 'slow', delayMs: 400 }, { times: 1 });
  },
  async play({ canvas }) {
    await canvas.findByText('One moment, please.');
    await canvas.findByText(/^You are visitor-/);
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** An acquisition has failed: the error boundary says what that means for the visitor. */
export const Failure = meta.story({
  parameters: printsCaughtError,
  args: { retry: { attempts: 1 } },
  beforeEach() {
    scene.sandbox.fault('visitor', 'forbidden');
  },
  async play({ canvas }) {
    const alert = await canvas.findByRole('alert');
    await expect(alert).toHaveTextContent('The chat is not available at the moment.');
    await expect(alert).not.toHaveTextContent(/role|scope|OAuth/);
    scene.sandbox.clear();
  },
});

/** Resetting the boundary asks anew. */
export const FailureAndReset = Failure.extend({
  async play({ canvas, userEvent }) {
    await canvas.findByRole('alert');
    scene.sandbox.clear();
    await userEvent.click(canvas.getByRole('button', { name: 'Try again' }));
    await canvas.findByText(/^You are visitor-/);
  },
});
