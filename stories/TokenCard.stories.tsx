import { expect, waitFor } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { TokenCard } from './card/TokenCard.tsx';
import { printsWarning } from './support/prints.ts';
import { Stage, type StageProps } from './support/Stage.tsx';
import { openScene, type Scene } from './support/scene.ts';

let scene: Scene;

function TokenPage(config: Omit<StageProps, 'children'>) {
  return <Stage {...config}>{(events) => <TokenCard events={events} />}</Stage>;
}

const meta = preview.meta({
  title: 'Stories/Token card',
  component: TokenPage,
  parameters: { docs: { story: { height: '470px' } } },
  beforeEach({ msw }) {
    scene = openScene();
    msw.use(...scene.handlers);
  },
});

/** One request, then a token with an hour to live. */
export const FirstLoad = meta.story({
  async play({ canvas }) {
    await canvas.findByText('success');
    await canvas.findByText(/^visitor-/);
    await canvas.findByText(/^for 3\d\d\d s$/);
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** Tokens of 30 seconds, replaced 5 seconds before their end. */
export const Renewal = meta.story({
  args: { expiryBufferMs: 5_000 },
  beforeEach() {
    scene.sandbox.configure({ tokenLifeSeconds: 30 });
  },
  async play({ canvas }) {
    await canvas.findByText('success');
    await canvas.findByText(/ends in/);
  },
});

/** The same in a hurry, so that the test sees a renewal: tokens of 3 seconds, on screen without a gap. */
export const RenewalInAHurry = meta.story({
  args: { expiryBufferMs: 200 },
  beforeEach() {
    scene.sandbox.configure({ tokenLifeSeconds: 3 });
  },
  async play({ canvas }) {
    await canvas.findByText('success');
    await waitFor(
      async () => {
        await expect(canvas.getByText('success')).toBeVisible();
        await expect(scene.sandbox.count('visitor')).toBeGreaterThanOrEqual(2);
      },
      { timeout: 10_000 },
    );
  },
});

/** Genesys says 429 with a long Retry-After: the card counts down to the next try. */
export const RateLimited = meta.story({
  parameters: printsWarning,
  beforeEach() {
    scene.sandbox.fault('visitor', { kind: 'rate-limited', seconds: 120 });
  },
  async play({ canvas }) {
    await canvas.findByText('error');
    await canvas.findByText('rate_limited', { selector: 'dd' });
    await canvas.findByText(/^in 1[12]\d s$/);
    const alert = canvas.getByRole('alert');
    await expect(alert).toHaveTextContent('We are very busy right now.');
    await expect(alert).not.toHaveTextContent('retryAtMs');
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** Genesys refuses once, because an access token was revoked: nobody notices. */
export const RefusedAndRecovered = meta.story({
  beforeEach() {
    scene.sandbox.fault('visitor', 'unauthorized', { times: 1 });
  },
  async play({ canvas }) {
    await canvas.findByText('success');
    await expect(scene.sandbox.count('login')).toBe(2);
  },
});

/** The OAuth client lacks the role: asked twice, then the card says what that means for the visitor. */
export const RoleMissing = meta.story({
  parameters: printsWarning,
  beforeEach() {
    scene.sandbox.fault('visitor', 'forbidden');
  },
  async play({ canvas }) {
    await canvas.findByText('error');
    await canvas.findByText('forbidden', { selector: 'dd' });
    const alert = canvas.getByRole('alert');
    await expect(alert).toHaveTextContent('The chat is not available at the moment.');
    await expect(alert).not.toHaveTextContent(/role|scope|OAuth/);
    await expect(scene.sandbox.count('visitor')).toBe(2);
  },
});

/** A token that is no JWT lives a day from its creation. */
export const OpaqueToken = meta.story({
  beforeEach() {
    scene.sandbox.fault('visitor', 'opaque-token');
  },
  async play({ canvas }) {
    await canvas.findByText('success');
    await canvas.findByText(/^for 86\d\d\d s$/);
  },
});

/** The server is down: tried three times with growing pauses, then the card counts down. */
export const Failure = meta.story({
  parameters: printsWarning,
  args: { retry: { minDelayMs: 200, maxDelayMs: 400 } },
  beforeEach() {
    scene.sandbox.fault('visitor', 'unavailable');
  },
  async play({ canvas }) {
    await canvas.findByText('error', {}, { timeout: 5_000 });
    await canvas.findByText('unavailable', { selector: 'dd' });
    await expect(canvas.getAllByText('retrying')).toHaveLength(2);
    await canvas.findByText(/^in \d\d s$/);
  },
});

/** The button asks at once. */
export const FailureAndRetry = meta.story({
  parameters: printsWarning,
  args: { retry: { attempts: 1 } },
  beforeEach() {
    scene.sandbox.fault('visitor', 'unavailable', { times: 1 });
  },
  async play({ canvas, userEvent }) {
    await canvas.findByText('error');
    await userEvent.click(canvas.getByRole('button', { name: 'Try again' }));
    await canvas.findByText('success');
  },
});

/** Nobody is here: no token, no request. */
export const Idle = meta.story({
  args: { externalId: null },
  async play({ canvas }) {
    await canvas.findByText('idle');
    await expect(scene.sandbox.count()).toBe(0);
  },
});
