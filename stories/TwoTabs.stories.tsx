import { expect, waitFor, within } from 'storybook/test';
import preview from '../.storybook/preview.ts';
import { openScene, type Scene, VISITOR } from './support/scene.ts';
import { TwoTabs } from './twoTabs/TwoTabs.tsx';

let scene: Scene;

const meta = preview.meta({
  title: 'Stories/Two tabs',
  component: TwoTabs,
  args: { visitor: VISITOR },
  parameters: { docs: { story: { height: '560px' } } },
  beforeEach({ msw }) {
    // One broker and one Genesys for both frames: what they ask for is counted here.
    scene = openScene();
    msw.use(...scene.handlers);
  },
});

/** The second tab of a visitor has its token from the first one: it asks nobody else. */
export const OneRequestForBoth = meta.story({
  async play({ canvas, userEvent }) {
    const first = await tab(await canvas.findByTitle('First tab'));
    await first.findByText('acquired');
    const visitor = (await first.findByText(/^visitor-/)).textContent;

    await userEvent.click(canvas.getByRole('button', { name: 'Open a second tab' }));
    const second = await tab(await canvas.findByTitle('Second tab'));
    await second.findByText('shared');
    await expect(await second.findByText(/^visitor-/)).toHaveTextContent(visitor);
    await expect(second.queryByText('acquiring')).toBeNull();
    await expect(scene.sandbox.count('visitor')).toBe(1);
  },
});

/** A frame's page, once it is there. */
async function tab(frame: HTMLElement): Promise<ReturnType<typeof within>> {
  if (!(frame instanceof HTMLIFrameElement)) throw new Error('Not a frame.');
  const page = await waitFor(
    () => {
      const main = frame.contentDocument?.querySelector('main');
      if (!main) throw new Error('The frame has no page yet.');
      return main;
    },
    { timeout: 10_000 },
  );
  return within(page);
}
