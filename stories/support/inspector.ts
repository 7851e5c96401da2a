import { waitFor, within } from 'storybook/test';

/** Looks for elements inside the inspector, which has a shadow root of its own. */
export async function inspectorIn(canvasElement: HTMLElement): Promise<ReturnType<typeof within>> {
  const inside = await waitFor(() => {
    const host = canvasElement.querySelector('[data-guest-token-devtools]');
    const found = host?.shadowRoot?.querySelector<HTMLElement>('.inspector');
    if (!found) throw new Error('There is no inspector.');
    return found;
  });
  return within(inside);
}
