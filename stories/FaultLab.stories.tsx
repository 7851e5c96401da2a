import { expect, waitFor, within } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { FaultLab, type FaultLabProps } from './faultLab/FaultLab.tsx';
import { failures, type Lab, noFaults, openLab } from './faultLab/lab.ts';
import { inspectorIn } from './support/inspector.ts';
import { printsWarning } from './support/prints.ts';

let lab: Lab;

function LabPage(props: FaultLabProps) {
  return <FaultLab {...props} lab={lab} />;
}

const args: FaultLabProps = {
  widget: 'chat',
  ...noFaults,
  expiryBufferMs: 60_000,
  keepFresh: 'while-visible',
  attempts: 3,
  hidden: false,
  offline: false,
  twoTabs: false,
};

const meta = preview.meta({
  title: 'Stories/Fault lab',
  component: LabPage,
  args,
  argTypes: {
    widget: { control: 'inline-radio', options: ['chat', 'card'] },
    lifeSeconds: { control: { type: 'number', min: 2 } },
    expiryBufferMs: { control: { type: 'number', min: 0, step: 1_000 } },
    clockAheadHours: { control: { type: 'number', step: 1 } },
    latencyMs: { control: { type: 'range', min: 0, max: 10_000, step: 100 } },
    failure: { control: 'select', options: Object.keys(failures) },
    failureRate: { control: { type: 'range', min: 0, max: 100, step: 5 } },
    retryAfterSeconds: { control: { type: 'number', min: 0 } },
    attempts: { control: { type: 'number', min: 1 } },
    keepFresh: { control: 'inline-radio', options: ['while-visible', 'always', 'on-demand'] },
  },
  parameters: { layout: 'padded', docs: { story: { height: '900px' } } },
  beforeEach({ msw }) {
    lab = openLab();
    msw.use(...lab.handlers);
  },
});

const FAILED = 'The connection failed.';
const EMPTY = 'No messages yet. Say hello!';

/** What the line about the connection says. */
async function line(canvas: ReturnType<typeof within>, text: string): Promise<void> {
  await waitFor(() => expect(canvas.getByRole('status')).toHaveTextContent(text), {
    timeout: 5_000,
  });
}

/** Nothing goes wrong, until a control is moved. */
export const AllIsWell = meta.story({
  async play({ canvas, canvasElement }) {
    await canvas.findByText(EMPTY);
    await line(canvas, 'Connected');
    const why = await inspectorIn(canvasElement);
    await why.findByText('Fresh');
    await why.findByText(/^Not refreshing: the token is fresh until 1 min before its end\./);
  },
});

/** Every answer takes 1.5 s: the visitor may write meanwhile. */
export const SlowNetwork = meta.story({
  args: { latencyMs: 1_500 },
  async play({ canvas, canvasElement }) {
    await line(canvas, 'Connecting…');
    await expect(canvas.getByLabelText('Your message')).toBeEnabled();
    const why = await inspectorIn(canvasElement);
    await why.findByText(/^Refreshing now: attempt 1 of 3 is under way\./);
    await canvas.findByText(EMPTY, {}, { timeout: 5_000 });
  },
});

/** Genesys answers 503: three attempts, then a cool-down and a countdown. */
export const ServerDown = meta.story({
  parameters: printsWarning,
  args: { failure: 'server error (503)' },
  async play({ canvas, canvasElement }) {
    await line(canvas, FAILED);
    await canvas.findByText(/Next try in \d+ s\./);
    const why = await inspectorIn(canvasElement);
    const cooling =
      /^Not refreshing: the last acquisition failed with unavailable, and a cool-down/;
    await why.findByText(cooling, {}, { timeout: 5_000 });
  },
});

/** Every second request fails: the visitor sees a connection all the same. */
export const EverySecondRequestFails = meta.story({
  args: { failure: 'server error (503)', failureRate: 50 },
  async play({ canvas, canvasElement, userEvent }) {
    await canvas.findByText(EMPTY);
    const why = await inspectorIn(canvasElement);
    await userEvent.click(why.getByRole('button', { name: 'Refresh' }));
    await why.findByText(/^Attempt 1 failed with unavailable\./);
    await line(canvas, 'Connected');
    await why.findByText('Fresh', {}, { timeout: 5_000 });
  },
});

/** Genesys answers 429 with a long Retry-After: the line counts down. */
export const TooManyRequests = meta.story({
  parameters: printsWarning,
  args: { failure: 'too many requests (429)', retryAfterSeconds: 120 },
  async play({ canvas, canvasElement }) {
    await line(canvas, 'Very busy right now.');
    await canvas.findByText(/Next try in 1[12]\d s\./);
    const why = await inspectorIn(canvasElement);
    await why.findByText(/^Not refreshing: the server asked for a pause \(rate_limited\)\./);
    await expect(lab.sandbox.count('visitor')).toBe(1);
  },
});

/** Genesys answers 429 once, with a short Retry-After: the chat connects by itself. */
export const BrieflyBusy = meta.story({
  args: { failure: 'too many requests (429)', failureRate: 50, retryAfterSeconds: 1 },
  async play({ canvas, canvasElement, userEvent }) {
    await canvas.findByText(EMPTY);
    const why = await inspectorIn(canvasElement);
    await userEvent.click(why.getByRole('button', { name: 'Refresh' }));
    await why.findByText(/^Attempt 1 failed with rate_limited\./);
    await line(canvas, 'Connected');
    await why.findByText('Fresh', {}, { timeout: 6_000 });
  },
});

/** Our own server has the wrong client secret: the visitor can't mend it, and is not told how. */
export const WrongSecret = meta.story({
  parameters: printsWarning,
  args: { failure: 'wrong client secret (401)' },
  async play({ canvas, canvasElement }) {
    await line(canvas, FAILED);
    await expect(canvas.queryByText(/secret|client id/)).toBeNull();
    const why = await inspectorIn(canvasElement);
    await why.findByText(/^No token: /, { selector: '[role="status"]' });
  },
});

/** The OAuth client lacks the role: asked twice, then a cool-down of a minute at most. */
export const MissingRole = meta.story({
  parameters: printsWarning,
  args: { failure: 'missing role (403)' },
  async play({ canvas, canvasElement }) {
    await line(canvas, FAILED);
    await expect(canvas.queryByText(/role|scope/)).toBeNull();
    const why = await inspectorIn(canvasElement);
    await why.findByText('No token: forbidden', { selector: '[role="status"]' });
    await expect(lab.sandbox.count('visitor')).toBe(2);
  },
});

/** Nobody answers: the visitor waits, and may write; an attempt is given up after 10 s. */
export const NoAnswer = meta.story({
  args: { failure: 'no answer' },
  async play({ canvas, canvasElement }) {
    await line(canvas, 'Connecting…');
    await expect(canvas.getByLabelText('Your message')).toBeEnabled();
    const why = await inspectorIn(canvasElement);
    await why.findByText(/^Refreshing now: attempt 1 of 3 is under way\./);
  },
});

/** The connection to our own server breaks each time. */
export const ConnectionLost = meta.story({
  parameters: printsWarning,
  args: { failure: 'connection lost', attempts: 1 },
  async play({ canvas, canvasElement }) {
    await line(canvas, FAILED);
    await expect(canvas.getByRole('button', { name: 'Try now' })).toBeEnabled();
    const why = await inspectorIn(canvasElement);
    await why.findByText('No token: unreachable', { selector: '[role="status"]' });
  },
});

/** No broker at the URL: not tried again at once. */
export const WrongUrl = meta.story({
  parameters: printsWarning,
  args: { failure: 'wrong URL (404)' },
  async play({ canvas, canvasElement }) {
    await line(canvas, FAILED);
    const why = await inspectorIn(canvasElement);
    await why.findByText('No token: rejected', { selector: '[role="status"]' });
    await expect(lab.sandbox.count('visitor')).toBe(0);
  },
});

/** A proxy answers a page of HTML. */
export const HtmlInPlaceOfJson = meta.story({
  parameters: printsWarning,
  args: { failure: 'HTML in place of JSON', attempts: 1 },
  async play({ canvas }) {
    await line(canvas, FAILED);
    await expect(canvas.queryByText(/<|html/i)).toBeNull();
  },
});

/** A reply without a token is never taken for one. */
export const EmptyToken = meta.story({
  parameters: printsWarning,
  args: { failure: 'empty token', attempts: 1 },
  async play({ canvas }) {
    await line(canvas, FAILED);
  },
});

/** A token that is over on arrival is never used, and not asked for again and again. */
export const ExpiredToken = meta.story({
  parameters: printsWarning,
  args: { failure: 'expired token', attempts: 1 },
  async play({ canvas }) {
    await line(canvas, FAILED);
  },
});

/** A token that is no JWT works like any other. */
export const OpaqueTokens = meta.story({
  args: { opaqueTokens: true },
  async play({ canvas, canvasElement }) {
    await canvas.findByText(EMPTY);
    const why = await inspectorIn(canvasElement);
    await why.findByText('Fresh');
  },
});

/** The visitor's clock is two hours behind: the chat notices nothing. */
export const WrongClock = meta.story({
  args: { clockAheadHours: 2 },
  async play({ canvas, canvasElement }) {
    await canvas.findByText(EMPTY);
    const why = await inspectorIn(canvasElement);
    await why.findByText('Fresh');
    await expect(lab.sandbox.count('visitor')).toBe(1);
  },
});

/** Tokens of four seconds: renewed again and again, without a gap. */
export const ShortLife = meta.story({
  parameters: printsWarning,
  args: { lifeSeconds: 4, expiryBufferMs: 60_000 },
  async play({ canvas, canvasElement }) {
    await canvas.findByText(EMPTY);
    await waitFor(
      async () => {
        await expect(canvas.getByRole('status')).toHaveTextContent(/Connected|Renewing/);
        await expect(lab.sandbox.count('visitor')).toBeGreaterThanOrEqual(2);
      },
      { timeout: 8_000 },
    );
    const why = await inspectorIn(canvasElement);
    // The second token has been issued, but may still be on its way.
    await waitFor(() => expect(why.getAllByText('acquired').length).toBeGreaterThanOrEqual(2));
  },
});

/** Nobody sees the page: nothing is asked until somebody does. */
export const HiddenPage = meta.story({
  args: { hidden: true, widget: 'card' },
  async play({ canvas, canvasElement }) {
    const why = await inspectorIn(canvasElement);
    await why.findByText(
      'Not refreshing: the tab is hidden and keepFresh is while-visible. Next check when it becomes visible.',
    );
    await expect(canvas.getByText('pending')).toBeVisible();
    await expect(lab.sandbox.count()).toBe(0);
  },
});

/** The page has no network: nothing is tried, and nothing is asked of the visitor. */
export const NoNetwork = meta.story({
  args: { offline: true },
  async play({ canvas, canvasElement }) {
    await line(canvas, 'You seem to be offline. We go on when you are back.');
    await expect(canvas.queryByRole('button', { name: 'Try now' })).toBeNull();
    const why = await inspectorIn(canvasElement);
    await why.findByText(/the page is offline\. Next check when the network is back/);
    await expect(lab.sandbox.count()).toBe(0);
  },
});

/** Two pages of one visitor share one token, and one request. */
export const TwoTabs = meta.story({
  args: { twoTabs: true },
  async play({ canvas }) {
    await canvas.findByText(EMPTY);
    const frame = await canvas.findByTitle<HTMLIFrameElement>('Second tab');
    const second = await waitFor(
      () => {
        const main = frame.contentDocument?.querySelector('main');
        if (!main?.textContent.includes('success')) throw new Error('The tab has no token yet.');
        return within(main);
      },
      { timeout: 10_000 },
    );
    await expect(second.getByText('success')).toBeVisible();
    await expect(lab.sandbox.count('visitor')).toBe(1);
  },
});
