import { expect, waitFor, within } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { TwoVisitors } from './devtools/TwoVisitors.tsx';
import { inspectorIn } from './support/inspector.ts';
import { openScene, type Scene } from './support/scene.ts';

let scene: Scene;

const meta = preview.meta({
  title: 'Stories/Inspector',
  component: TwoVisitors,
  args: { initialIsOpen: false, buttonPosition: 'bottom-right', theme: 'system' },
  argTypes: {
    buttonPosition: {
      control: 'select',
      options: ['bottom-left', 'bottom-right', 'top-left', 'top-right'],
    },
    theme: { control: 'inline-radio', options: ['light', 'dark', 'system'] },
    client: { table: { disable: true } },
  },
  parameters: { docs: { story: { height: '720px' } } },
  beforeEach({ msw }) {
    scene = openScene();
    msw.use(...scene.handlers);
  },
});

const OPEN = 'Open the guest token inspector';

/** The button shows by its ring how the tokens are doing. */
export const Button = meta.story({
  async play({ canvas, canvasElement }) {
    await canvas.findByText('success');
    const inspector = await inspectorIn(canvasElement);
    await expect(inspector.getByRole('button', { name: OPEN })).toBeVisible();
  },
});

/** Open: one tab for each visitor, the state of the token, and why. */
export const Open = meta.story({
  args: { initialIsOpen: true },
  async play({ canvas, canvasElement }) {
    await canvas.findByText('success');
    const inspector = await inspectorIn(canvasElement);
    await expect(inspector.getByRole('region', { name: 'Guest token inspector' })).toBeVisible();
    await expect(inspector.getAllByRole('tab').length).toBeGreaterThanOrEqual(2);
  },
});

/** By keyboard: Enter opens, arrow keys go from tab to tab, Escape closes and gives the focus back. */
export const Keyboard = meta.story({
  tags: ['!autodocs'],
  async play({ canvas, canvasElement, userEvent }) {
    await canvas.findByText('success');
    const inspector = await inspectorIn(canvasElement);
    inspector.getByRole('button', { name: OPEN }).focus();
    await userEvent.keyboard('{Enter}');
    const region = await inspector.findByRole('region', { name: 'Guest token inspector' });
    await expect(focused(canvasElement)).toBe(region);
    const tabs = within(region).getAllByRole('tab');
    const shown = within(region).getByRole('tab', { selected: true });
    shown.focus();
    await userEvent.keyboard('{ArrowRight}');
    const next = tabs[(tabs.indexOf(shown) + 1) % tabs.length];
    await expect(next).toHaveAttribute('aria-selected', 'true');
    await expect(focused(canvasElement)).toBe(next);
    await userEvent.keyboard('{Escape}');
    await waitFor(() =>
      expect(focused(canvasElement)).toBe(inspector.getByRole('button', { name: OPEN })),
    );
  },
});

function focused(canvasElement: HTMLElement): Element | null | undefined {
  return canvasElement.querySelector('[data-guest-token-devtools]')?.shadowRoot?.activeElement;
}
