// The inspector on a page, as somebody who develops a widget sees it.
import { within } from '@testing-library/dom';
import { act, fireEvent, render } from '@testing-library/react';
import type { ReactElement } from 'react';
import { pass } from '../react/page.tsx';

export interface Inspector {
  /** Looks for elements inside. */
  readonly find: ReturnType<typeof within>;
  /** All text inside. */
  readonly text: string;
  /** All markup inside, attributes included. */
  readonly html: string;
  /** The element inside that has the focus. */
  readonly focused: Element | null;
  press(button: string | RegExp): Promise<void>;
  /** Presses a key where the focus is. */
  key(key: string): Promise<void>;
  unmount(): void;
}

export function showInspector(inspector: ReactElement): Inspector {
  const { container, unmount } = render(inspector);
  function root(): ShadowRoot {
    const found = container.querySelector('[data-guest-token-devtools]')?.shadowRoot;
    if (!found) throw new Error('There is no inspector.');
    return found;
  }
  function inside(): HTMLElement {
    const found = root().querySelector<HTMLElement>('.inspector');
    if (!found) throw new Error('The inspector is empty.');
    return found;
  }
  return {
    get find() {
      return within(inside());
    },
    get text() {
      return inside().textContent;
    },
    get html() {
      return inside().outerHTML;
    },
    get focused() {
      return root().activeElement;
    },
    async press(name) {
      const button = within(inside()).getByRole('button', { name });
      await act(async () => button.click());
      await pass();
    },
    async key(key) {
      const { activeElement } = root();
      if (activeElement) await act(async () => fireEvent.keyDown(activeElement, { key }));
    },
    unmount,
  };
}
